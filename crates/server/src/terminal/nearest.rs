//! Suggests a name for a misspelled one.

/// Returns the name closest to `written`, or `None` if no name is close. A name is close if at most
/// one letter in three differs.
///
/// Names with dots are also compared by their last part, because a setting may be written in the
/// wrong table.
pub(crate) fn nearest<T: AsRef<str>>(
    written: &str,
    names: impl IntoIterator<Item = T>,
) -> Option<T> {
    let written = written.to_ascii_lowercase();
    let (distance, name) = names
        .into_iter()
        .map(|name| (distance(&written, name.as_ref()), name))
        .min_by_key(|(distance, _)| *distance)?;
    // One letter in three may differ; with more, every short name is close to every other.
    (distance <= written.len() / 3).then_some(name)
}

/// Returns the end of a sentence that suggests `name`, or an empty text for `None`.
pub(crate) fn did_you_mean(name: Option<impl std::fmt::Display>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

fn distance(written: &str, name: &str) -> usize {
    let whole = strsim::damerau_levenshtein(written, name);
    let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
    // A match of the last part only counts as farther, so that a name in the right table is
    // preferred.
    whole.min(strsim::damerau_levenshtein(&last(written), &last(name)) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] =
        ["listen", "token.issuer", "token.audience", "session", "session.store"];

    #[test]
    fn a_misspelled_name_is_recognised() {
        for (written, expected) in [
            ("lisen", Some("listen")),
            ("LISTEN", Some("listen")),
            ("sesion.store", Some("session.store")),
            ("sesion", Some("session")),
            ("token.isuer", Some("token.issuer")),
            ("issuer", Some("token.issuer")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, NAMES), expected, "{written}");
        }
    }
}
