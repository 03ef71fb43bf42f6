//! What a user can mend, told apart from what failed.

use crate::method::error::MethodError;

/// Bad input or usage: the program ends with exit code 2 and this one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// A [`UsageError`] as an `anyhow::Error`.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    UsageError(message.into()).into()
}

/// What is wrong with the method's input is the user's to mend.
pub(crate) fn from_method(error: MethodError) -> anyhow::Error {
    match error {
        MethodError::Cancelled => error.into(),
        other => usage(other.to_string()),
    }
}
