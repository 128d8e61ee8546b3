//! Applications that operators make while the server runs, and their keys.

use crate::{channel::AppId, time::Timestamp};
use std::fmt;

/// Longest name of an application, in characters.
pub const APP_NAME_CHARACTERS_MAX: usize = 100;

/// What people call an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName(String);

/// Why a text is no name of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of an application has 1 to {APP_NAME_CHARACTERS_MAX} characters, none of them a control character"
)]
pub struct AppNameError;

/// An application that was made while the server ran. Those of the configuration are none of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its identity.
    pub id: AppId,
    /// What people call it.
    pub name: AppName,
    /// Whether it is served.
    pub enabled: bool,
    /// What it is set to, in the form that the edge gives it. It holds no NUL.
    pub settings: String,
    /// Its keys, each as good as the others, the oldest first; at least one.
    pub keys: Vec<AppKey>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it, or a key of it, was last changed.
    pub changed_at: Timestamp,
}

/// A key of an application, with the secret that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppKey {
    /// What is shown to everyone: unlike the key of any other application, in the form that the
    /// edge gives it.
    pub key: String,
    /// What signs.
    pub secret: AppSecret,
    /// When it was made.
    pub made_at: Timestamp,
}

/// The secret of a key. It is kept as it is, since signatures are made and checked with it, and is
/// written nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret(pub String);

impl fmt::Debug for AppSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AppSecret(…)")
    }
}

impl AppName {
    /// Takes a text that people can read on one line.
    pub fn parse(text: &str) -> Result<Self, AppNameError> {
        let characters = text.chars().count();
        let fits = (1..=APP_NAME_CHARACTERS_MAX).contains(&characters);
        let is_name = fits && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text.to_owned())) } else { Err(AppNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_on_one_line() {
        for good in ["Shop", "ü", &"ü".repeat(APP_NAME_CHARACTERS_MAX), " "] {
            assert_eq!(AppName::parse(good).expect("a name").as_str(), good);
        }
        for bad in ["", "a\nb", "\0", &"ü".repeat(APP_NAME_CHARACTERS_MAX + 1)] {
            assert_eq!(AppName::parse(bad), Err(AppNameError), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = AppSecret("tell nobody".to_owned());
        assert_eq!(format!("{secret:?}"), "AppSecret(…)");
    }
}
