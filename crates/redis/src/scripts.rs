//! Lua scripts of the store. Redis runs each script as one atomic step.
//!
//! Each script is a file in `lua/`. The first lines of the file name the keys and arguments of the
//! script.

use redis::Script;

/// Declares the scripts. Each script consists of the common functions in `prelude.lua`, the files with
/// further functions that it uses, and its own file.
macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($file:literal)+,)+) => {
        /// All scripts with their SHA-1 hashes, by which Redis finds a script that it has run
        /// before.
        #[derive(Debug)]
        pub(crate) struct Scripts {
            $($(#[$doc])* pub(crate) $name: Script,)+
        }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self { $($name: Script::new(concat!(
                    include_str!("lua/prelude.lua"),
                    $(include_str!(concat!("lua/", $file)),)+
                )),)+ }
            }
        }
    };
}

scripts! {
    adopt = "adopt.lua",
    answers = "answers.lua",
    bump = "bump.lua",
    commit = "seats.lua" "commit.lua",
    confirm = "confirm.lua",
    create = "create.lua",
    disown = "disown.lua",
    end_session = "end_session.lua",
    end_token = "end_token.lua",
    find = "find.lua",
    get = "get.lua",
    get_signing_keys = "get_signing_keys.lua",
    join = "membership.lua" "join.lua",
    keep = "keep.lua",
    leave = "membership.lua" "leave.lua",
    of_user = "of_user.lua",
    order = "order.lua",
    own = "own.lua",
    put_data = "put_data.lua",
    put_signing_keys = "put_signing_keys.lua",
    read = "read.lua",
    release = "seats.lua" "release.lua",
    remove = "remove.lua",
    renew = "membership.lua" "seats.lua" "renew.lua",
    reserve = "seats.lua" "reserve.lua",
    rotate = "rotate.lua",
    seated = "seats.lua" "seated.lua",
    touch = "touch.lua",
}
