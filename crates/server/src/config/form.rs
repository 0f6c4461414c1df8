//! Describes one setting: its name and the form of its value.

/// Form in which the value of a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// List of tables, such as `[[issuers]]`.
    Entries,
    List,
    Number,
    Switch,
    Text,
}

/// Type of the value of a setting.
pub(super) trait Setting {
    const FORM: Form;
}

impl<T> Setting for Vec<T> {
    const FORM: Form = Form::List;
}

/// Setting with its full name, such as `session.store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(super) form: Form,
}
