//! The scripts: what belongs together is done in one step.
//!
//! Each stands in a file of its own in `lua/`, which says what its keys and arguments are.

use redis::Script;

/// Declares a script: the common functions, then its own file.
macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)+) => {
        /// All scripts, with their hashes.
        #[derive(Debug)]
        pub(crate) struct Scripts {
            $($(#[$doc])* pub(crate) $name: Script,)+
        }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self { $($name: Script::new(concat!(
                    include_str!("lua/prelude.lua"),
                    include_str!(concat!("lua/", $file)),
                )),)+ }
            }
        }
    };
}

scripts! {
    adopt = "adopt.lua",
    bump = "bump.lua",
    create = "create.lua",
    end_session = "end_session.lua",
    end_token = "end_token.lua",
    find = "find.lua",
    get = "get.lua",
    of_user = "of_user.lua",
    put_data = "put_data.lua",
    read = "read.lua",
    remove = "remove.lua",
    rotate = "rotate.lua",
    touch = "touch.lua",
}
