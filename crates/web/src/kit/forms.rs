//! Parts of forms: what is wrong with a field, and the choices of a select.

use serde::Serialize;

/// Something wrong with one field; shown in the summary on top of the form and at the field.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The input's `name`; empty when the whole form is meant.
    pub field: String,
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// What an operation refused, in the form's terms.
    pub fn from_error(error: &base::Error) -> Vec<Self> {
        if error.field_errors().is_empty() {
            return vec![Self::new("", error.message())];
        }
        error.field_errors().iter().map(|f| Self::new(&f.field, &f.message)).collect()
    }
}

/// One option of a select.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, selected: bool) -> Self {
        Self { value: value.into(), label: label.into(), selected }
    }
}
