//! Applications of the store, as the settings have theirs.

use super::AppSettings;
use crate::{
    config::{self, AppKey, Secret},
    token,
};
use campanile_core::{
    application::{self, AppSecret},
    channel::AppId,
    time::Timestamp,
};

/// Digits of an id that this server chooses: there are libraries that take nothing but digits.
const ID_DIGITS: u32 = 9;

impl AppSettings {
    /// The form in which the store keeps them.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("settings have text keys")
    }

    /// An application that is set so.
    pub(crate) fn of(self, id: &AppId, enabled: bool, keys: &[application::AppKey]) -> config::App {
        let mut keys = keys.iter().map(|one| AppKey {
            key: Some(one.key.clone()),
            secret: Some(Secret::new(one.secret.0.clone())),
        });
        let first = keys.next().unwrap_or_default();
        config::App {
            id: Some(id.to_string()),
            key: first.key,
            secret: first.secret,
            keys: keys.collect(),
            enabled,
            client_messages: self.client_messages,
            subscription_counts: self.subscription_counts,
            user_authentication: self.user_authentication,
            tls_only: self.tls_only,
            allowed_origins: self.allowed_origins,
            webhooks: self.webhooks,
            limits: self.limits,
        }
    }
}

/// A new key with its secret.
pub(crate) fn new_key(made_at: Timestamp) -> application::AppKey {
    let (key, secret): ([u8; 10], [u8; 20]) = (rand::random(), rand::random());
    let secret = AppSecret(token::hex(&secret));
    application::AppKey { key: token::hex(&key), secret, made_at }
}

/// A new id.
pub(crate) fn new_id() -> AppId {
    let least = 10_u64.pow(ID_DIGITS - 1);
    let id = rand::random_range(least..10 * least).to_string();
    AppId::parse(&id).expect("digits are allowed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let mut settings = AppSettings { client_messages: false, ..AppSettings::default() };
        settings.limits.cache_seconds = 7.5;
        let text = settings.to_text();
        let read: AppSettings = serde_json::from_str(&text).expect("settings");
        assert_eq!(read.to_text(), text);
        let keys = [new_key(Timestamp(1)), new_key(Timestamp(2))];
        let app = read.of(&new_id(), false, &keys);
        assert!(!app.enabled && !app.client_messages);
        assert_eq!(app.credentials().count(), 2);
        assert_eq!(app.id.as_deref().map(str::len), Some(ID_DIGITS as usize));
        config::apps::check_one(&app, "").expect("keys that are made are strong enough");
    }
}
