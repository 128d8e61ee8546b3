//! Secrets: kept out of logs, messages and printed configuration.

use super::setting::optional;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// What is shown instead.
const HIDDEN: &str = "[secret]";

/// Text that nobody is shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

optional!(Secret: Secret);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to compare or send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secret = Secret::new("tell nobody");
        assert_eq!(format!("{secret:?}"), HIDDEN);
        assert_eq!(serde_json::to_value(&secret).unwrap(), HIDDEN);
        assert_eq!(secret.reveal(), "tell nobody");
    }
}
