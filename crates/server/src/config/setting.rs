//! One setting: its name, and how its value is written.

/// How the value of a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    List,
    Number,
    Switch,
    Text,
}

/// What a type of settings is written as.
pub(super) trait Setting {
    const FORM: Form;
}

impl Setting for bool {
    const FORM: Form = Form::Switch;
}

impl Setting for std::path::PathBuf {
    const FORM: Form = Form::Text;
}

impl<T> Setting for Vec<T> {
    const FORM: Form = Form::List;
}

/// One setting by its name, such as `session.store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(super) form: Form,
}
