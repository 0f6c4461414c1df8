//! Macros that implement `Debug`. They print an error as one sentence, and a type without its
//! secrets.

/// Implements `Debug` for an error by printing what [`Causes`](crate::Causes) prints.
///
/// `fn main() -> Result<(), E>` prints an error with `Debug`, and people read the output.
///
/// # Examples
/// ```
/// #[derive(thiserror::Error)]
/// #[error("there is no door")]
/// struct NoDoor;
///
/// doorward_core::debug_as_sentence!(NoDoor);
///
/// assert_eq!(format!("{NoDoor:?}"), "there is no door");
/// ```
#[macro_export]
macro_rules! debug_as_sentence {
    ($($error:ty),+) => {
        $(impl ::core::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(f, "{}", $crate::Causes(self))
            }
        })+
    };
}

/// Implements `Debug` for a struct by printing the named fields, and two dots for the rest.
///
/// A field that is not named is never printed, so a new field with a secret stays hidden.
#[doc(hidden)]
#[macro_export]
macro_rules! debug_fields {
    ($name:ident $(<$($generic:ident),+>)? { $($field:ident),* }) => {
        impl $(<$($generic),+>)? ::core::fmt::Debug for $name $(<$($generic),+>)? {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(::core::stringify!($name))
                    $(.field(::core::stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Implements `Debug` for secrets by printing the name of the type and `[redacted]`.
#[doc(hidden)]
#[macro_export]
macro_rules! debug_redacted {
    ($($name:ident),+) => {
        $(impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(::core::concat!(::core::stringify!($name), "([redacted])"))
            }
        })+
    };
}

#[cfg(test)]
mod tests {
    #[derive(thiserror::Error)]
    #[error("cannot listen")]
    struct Outer(#[source] std::io::Error);

    debug_as_sentence!(Outer);

    #[test]
    fn each_cause_is_printed_once() {
        let error = Outer(std::io::Error::other("the port is taken"));

        assert_eq!(format!("{error:?}"), "cannot listen: the port is taken");
    }

    struct Ticket;

    debug_redacted!(Ticket);

    struct Grant {
        user: &'static str,
        #[expect(dead_code, reason = "the test is that it is not printed")]
        token: &'static str,
    }

    debug_fields!(Grant { user });

    #[test]
    fn only_named_fields_are_printed() {
        let grant = Grant { user: "alice", token: "secret" };

        assert_eq!(format!("{grant:?}"), "Grant { user: \"alice\", .. }");
        assert_eq!(format!("{Ticket:?}"), "Ticket([redacted])");
    }
}
