//! Parses the pattern of a room's name, such as `team:{id}`.
//!
//! A pattern consists of literal text and `{name}` placeholders. A pattern that is ambiguous, or
//! that no room can match, is a mistake. Start reading at [`names`].

use syn::LitStr;

/// Prefixes of rooms that the framework manages itself.
const RESERVED: [&str; 3] = ["user:", "session:", "socket:"];

/// Checks a pattern and returns the names of its placeholders, from left to right.
pub(crate) fn names(literal: &LitStr) -> syn::Result<Vec<String>> {
    let text = literal.value();
    let names = read(&text).and_then(|names| check(&text).map(|()| names));
    names.map_err(|message| syn::Error::new_spanned(literal, message))
}

fn read(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        check_literal(before)?;
        let (name, after) = behind
            .split_once('}')
            .ok_or_else(|| format!("`{{{behind}` is not closed: write `{{name}}`"))?;
        check_name(name, &names)?;
        // Without text between two placeholders, the end of the first one is ambiguous.
        if before.is_empty() && !names.is_empty() {
            return Err(format!(
                "the start of `{{{name}}}` is ambiguous: put a character before it, as in \
                 `{{a}}:{{b}}`"
            ));
        }
        names.push(name.to_owned());
        rest = after;
    }
    check_literal(rest)?;
    Ok(names)
}

fn check_literal(text: &str) -> Result<(), String> {
    if text.contains('}') {
        return Err("there is a `}` without its `{`: write `{name}`".to_owned());
    }
    Ok(())
}

fn check_name(name: &str, known: &[String]) -> Result<(), String> {
    if name.is_empty() {
        Err("`{}` has no name: write `{id}` and add a parameter `id`".to_owned())
    } else if !is_name(name) {
        Err(format!("no parameter can be called `{name}`: write `{{id}}`"))
    } else if known.iter().any(|other| other == name) {
        Err(format!("`{{{name}}}` stands here twice: each part needs a name of its own"))
    } else {
        Ok(())
    }
}

fn check(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a room has a name: write \"team:{id}\"".to_owned());
    }
    if text.starts_with('{') {
        return Err("a policy for every room hides the mistake of a forgotten one; begin with a \
                    fixed prefix, as in \"team:{id}\""
            .to_owned());
    }
    match RESERVED.iter().find(|prefix| text.starts_with(**prefix)) {
        Some(prefix) => Err(format!(
            "rooms that begin with `{prefix}` are the framework's own, and no client asks to enter \
             them: choose another prefix"
        )),
        None => Ok(()),
    }
}

/// Returns `true` if `text` is a valid placeholder name, which is an ASCII identifier other than
/// `_`. Keywords are allowed. The parameter for `{type}` is `r#type`.
fn is_name(text: &str) -> bool {
    text != "_"
        && text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && text.chars().all(|char| char == '_' || char.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn parse(text: &str) -> Result<Vec<String>, String> {
        names(&LitStr::new(text, Span::call_site())).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refuses(text: &str, why: &str) {
        let message = parse(text).unwrap_err();
        assert!(message.contains(why), "{text}: {message}");
    }

    #[test]
    fn names_are_read_from_left_to_right() {
        assert_eq!(parse("lobby").unwrap(), [""; 0]);
        assert_eq!(parse("team:{id}").unwrap(), ["id"]);
        assert_eq!(parse("of:{kind}:{id}/x").unwrap(), ["kind", "id"]);
        assert_eq!(parse("t:{type}").unwrap(), ["type"]);
    }

    #[test]
    fn unmatched_braces_are_found() {
        refuses("team:{id", "`{id` is not closed");
        refuses("team:{", "`{` is not closed");
        refuses("team:id}", "without its `{`");
        refuses("team:{id}}", "without its `{`");
        refuses("team:{{id}}", "called `{id`");
    }

    #[test]
    fn names_that_no_parameter_can_have_are_found() {
        refuses("team:{}", "has no name");
        refuses("team:{my id}", "called `my id`");
        refuses("team:{1}", "called `1`");
        refuses("team:{_}", "called `_`");
        refuses("team:{größe}", "called `größe`");
        refuses("team:{id}:{id}", "twice");
        refuses("team:{a}{b}", "start of `{b}` is ambiguous");
    }

    #[test]
    fn patterns_that_match_too_much_are_found() {
        refuses("{anything}", "hides the mistake");
        refuses("{kind}:{id}", "begin with a fixed prefix");
        refuses("", "a room has a name");
        for reserved in ["user:{id}", "session:x", "socket:"] {
            refuses(reserved, "the framework's own");
        }
    }
}
