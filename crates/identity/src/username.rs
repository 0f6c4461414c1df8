//! Defines which texts are valid user names, and when two user names are equal.
//!
//! The rules follow the username profile of PRECIS (RFC 8265 section 3.3). A name has no characters with a
//! compatibility form and no invisible characters. It is stored in canonical composition (NFC). Names are displayed as
//! written, and compared without case.

use doorward::{
    __private::{is_printable, is_visible_line},
    UserId,
    store::StoreError,
};
use doorward_core::{Account, AccountStore};
use icu_casemap::CaseMapper;
use icu_normalizer::{
    ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed,
    properties::CanonicalCombiningClassMapBorrowed,
};

/// Name with which a user signs in. It has 1-64 letters, digits, combining marks or `._-+@`, and begins with a letter
/// or a digit.
///
/// # Examples
/// ```
/// use doorward_identity::Username;
///
/// let name: Username = "Émile".parse()?;
/// let same: Username = "e\u{301}MILE".parse()?;
/// assert_eq!(name.as_str(), "Émile");
/// assert_eq!(name.key(), same.key());
/// assert!("al ice".parse::<Username>().is_err());
/// # Ok::<_, doorward_identity::UsernameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    shown: Box<str>,
    key: Box<str>,
}

impl Username {
    /// Returns the name as the user wrote it, in composed form (NFC).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Returns the form of the name by which names are compared. Its case is folded, and it is in composed form (NFC).
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Error for a text that is not a [`Username`].
///
/// # Examples
/// ```
/// let error = "".parse::<doorward_identity::Username>().unwrap_err();
/// assert_eq!(error.to_string(), "a user name is 1-64 letters, digits or `._-+@`");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name is 1-64 letters, digits or `._-+@`")]
pub struct UsernameError(());

impl std::str::FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        // A character has at most four bytes, and may be sent decomposed into up to four characters.
        if text.len() > 4 * 4 * MAX_CHARS {
            return Err(UsernameError(()));
        }
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        let shown = nfc.normalize(text);
        let length = shown.chars().count();
        let has_base = shown.chars().next().is_some_and(char::is_alphanumeric);
        if !(1..=MAX_CHARS).contains(&length) || !has_base || !shown.chars().all(is_allowed) {
            return Err(UsernameError(()));
        }
        // A character with a compatibility form looks like another character, so it is rejected.
        if ComposingNormalizerBorrowed::new_nfkc().normalize(&shown) != shown {
            return Err(UsernameError(()));
        }
        Ok(Self { key: fold(&shown), shown: (*shown).into() })
    }
}

/// Normalizes the display name of a user or the name of a passkey. Returns `None` unless the trimmed text is a visible
/// line of 1-64 characters.
pub(crate) fn label(text: &str) -> Option<Box<str>> {
    let shown = ComposingNormalizerBorrowed::new_nfc().normalize(text.trim());
    let length = shown.chars().count();
    ((1..=MAX_CHARS).contains(&length) && is_visible_line(&shown)).then(|| (*shown).into())
}

/// Normalizes the display name of a user as [`label`] does. Also returns `None` for a name that looks like a text that
/// [`shown_id`] returns.
pub(crate) fn display_name(text: &str) -> Option<Box<str>> {
    let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(text.trim());
    // Characters before the sign that a reader does not see are skipped.
    let first = plain.chars().find(|it| is_allowed(*it) || *it == ID_SIGN);
    if first == Some(ID_SIGN) { None } else { label(text) }
}

/// Formats the id of a user who has no account, such as `#ops`. The text is displayed in place of a name.
///
/// The subject of a token may be any text, including the user name of an account. The sign `#` distinguishes such an id
/// from names, because no user name and no display name starts with it.
///
/// # Examples
/// ```
/// use doorward::UserId;
/// use doorward_identity::{Username, shown_id};
///
/// assert_eq!(&*shown_id(&UserId::new("ops")), "#ops");
/// assert!("#ops".parse::<Username>().is_err());
/// ```
#[must_use]
pub fn shown_id(id: &UserId) -> Box<str> {
    format!("{ID_SIGN}{}", id.as_str()).into()
}

/// Formats the name that an identity provider gives its user, such as `#corp Alice`. `issuer` is the name of the
/// provider on this server. Returns `None` unless `name` is a visible line of 1-64 characters that does not begin with
/// `:` or `#`.
///
/// The sign `#` distinguishes such a name from the names of accounts, and the space from the ids of users of the
/// provider. Two users of a provider may have the same name.
///
/// # Examples
/// ```
/// use doorward_identity::shown_name_of_issuer;
///
/// assert_eq!(shown_name_of_issuer("corp", "Alice").as_deref(), Some("#corp Alice"));
/// assert_eq!(shown_name_of_issuer("corp", "two\nlines"), None);
/// assert_eq!(shown_name_of_issuer("corp", ":7f3a"), None);
/// ```
#[must_use]
pub fn shown_name_of_issuer(issuer: &str, name: &str) -> Option<Box<str>> {
    let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(name.trim());
    // Characters before the sign that a reader does not see are skipped.
    let first = plain.chars().find(|it| is_allowed(*it) || [ID_SIGN, ':'].contains(it));
    if first.is_some_and(|first| [ID_SIGN, ':'].contains(&first)) {
        return None;
    }
    Some(format!("{ID_SIGN}{issuer} {}", label(name)?).into())
}

/// Returns the name of an account that other users see. This is the display name. If the display name looks like the
/// user name of another account, it is the user name instead.
///
/// A sign-up with such a display name is rejected, but another account may choose the name as its user name later. Call
/// this function whenever a name is displayed.
///
/// # Examples
/// ```
/// use doorward_core::{Account, AccountStore};
/// use doorward_identity::shown_name;
///
/// async fn greet(accounts: &dyn AccountStore, who: &Account) -> Result<String, doorward::store::StoreError> {
///     Ok(format!("{} is here", shown_name(accounts, who).await?))
/// }
/// ```
///
/// # Errors
/// [`StoreError`] if the account store did not answer.
pub async fn shown_name(
    accounts: &dyn AccountStore,
    account: &Account,
) -> Result<Box<str>, StoreError> {
    Ok(match is_name_of_another(accounts, account).await? {
        true => account.name.clone(),
        false => account.display_name.clone(),
    })
}

/// Returns `true` if the display name of `account` looks like the user name of another account. Case, width and
/// invisible characters are ignored.
pub(crate) async fn is_name_of_another(
    accounts: &dyn AccountStore,
    account: &Account,
) -> Result<bool, StoreError> {
    // Removes the characters that a reader does not see, such as narrow spaces and fillers, and all others that no user
    // name has.
    let is_narrow = |character: char| character.is_whitespace() && !" \u{3000}".contains(character);
    let wide: String = account.display_name.chars().filter(|it| !is_narrow(*it)).collect();
    let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(&wide);
    let plain: String = plain.chars().filter(|it| is_allowed(*it) || *it == ' ').collect();
    let key = fold(plain.trim());
    if key == account.name_key {
        return Ok(false);
    }
    Ok(accounts.account_named(&key).await?.is_some_and(|other| other.id != account.id))
}

/// Returns the form of a text by which texts are compared without case (canonical caseless matching, Unicode definition
/// D145).
fn fold(text: &str) -> Box<str> {
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    (*ComposingNormalizerBorrowed::new_nfc().normalize(&folded)).into()
}

fn is_allowed(character: char) -> bool {
    let is_mark = || CanonicalCombiningClassMapBorrowed::new().get_u8(character) != 0;
    let is_letter = character.is_alphanumeric() || MARKS.contains(character) || is_mark();
    is_letter && is_printable(character)
}

const MARKS: &str = "._-+@";

const MAX_CHARS: usize = 64;

const ID_SIGN: char = '#';

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        text.parse().ok().map(|name: Username| name.key().to_owned())
    }

    #[test]
    fn names_that_differ_in_case_or_composition_are_the_same() {
        for (one, other) in [
            ("Alice", "aLICE"),
            ("Straße", "STRASSE"),
            ("É", "e\u{301}"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("Ω", "\u{2126}"),
        ] {
            assert!(key(one).is_some(), "{one}");
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("alice"), key("al.ice"));
    }

    #[test]
    fn a_name_is_shown_as_it_was_written() {
        assert_eq!("Émile".parse::<Username>().unwrap().as_str(), "Émile");
        assert_eq!("a.b_c-d+e@f".parse::<Username>().unwrap().as_str(), "a.b_c-d+e@f");
        assert_eq!("हिन्दी".parse::<Username>().unwrap().as_str(), "हिन्दी");
    }

    #[test]
    fn what_cannot_be_told_apart_by_eye_is_no_name() {
        for text in [
            "",
            " ",
            "al ice",
            "alice ",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\nb",
            "a\u{0}",
            "ａlice",
            "ﬁ",
            "a\u{ad}b",
            "\u{3164}",
            "a\u{115f}",
            "<b>",
            "a/b",
            "a\u{2028}",
            ".alice",
            "@",
            "\u{301}a",
            "😀",
            "a:b",
            "²",
        ] {
            assert!(key(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_name_has_64_characters_at_most() {
        assert!(key(&"a".repeat(64)).is_some());
        assert!(key(&"a".repeat(65)).is_none());
        assert!(key(&"e\u{301}".repeat(64)).is_some());
        assert!(key(&"a".repeat(1 << 20)).is_none());
    }

    #[test]
    fn a_display_name_does_not_look_like_an_id() {
        assert_eq!(display_name("C# fan").as_deref(), Some("C# fan"));
        assert_eq!(label("#2").as_deref(), Some("#2"));
        for text in ["#ops", " #ops", "＃ops", "﹟ops"] {
            assert_eq!(display_name(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_label_may_have_spaces_and_nothing_invisible() {
        assert_eq!(label(" Alice Liddell 😀 ").as_deref(), Some("Alice Liddell 😀"));
        for text in ["", "  ", "a\nb", "a\u{202e}b", "\u{2800}", "\u{3164}", &"x".repeat(65)] {
            assert_eq!(label(text), None, "{text:?}");
        }
    }
}
