//! What an application is set to, in the form in which operators read and write it.

use crate::config::{self, AppLimits, AppWebhook, setting::Described};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, Schema, Type},
    },
};

/// What an application is set to beside its keys. What is left out is as it is by default.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppSettings {
    /// Whether clients may send events to each other on private and presence channels.
    pub client_messages: bool,
    /// Whether the subscribers of a channel are told how many they are.
    pub subscription_counts: bool,
    /// Whether connections are closed that have neither signed in nor entered a private or presence
    /// channel in the time of `authorisation_timeout_seconds`.
    pub user_authentication: bool,
    /// Whether clients have to come by `wss:`.
    pub tls_only: bool,
    /// Origins of web pages that may connect; without any, all may.
    pub allowed_origins: Vec<String>,
    /// Whom it has told what happens in its channels.
    #[schema(value_type = Vec<AppWebhookSchema>)]
    pub webhooks: Vec<AppWebhook>,
    /// Its bounds.
    #[schema(value_type = AppLimitsSchema)]
    pub limits: AppLimits,
}

/// A webhook: where an application is told of what happens in its channels.
#[derive(ToSchema)]
#[schema(as = AppWebhook)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it only describes a webhook to readers of the API")]
struct AppWebhookSchema {
    /// Where.
    url: String,
    /// Of what; without any, of everything in its channels.
    #[schema(required = false)]
    events: Vec<String>,
    /// Of the messages of which rooms, where it is told of `message`; without any, of public ones.
    #[schema(required = false)]
    rooms: Vec<String>,
    /// Whether it is told what people say in direct rooms.
    #[schema(required = false)]
    direct_bodies: bool,
}

/// The bounds of an application, as the configuration describes them.
struct AppLimitsSchema;

impl From<&config::App> for AppSettings {
    fn from(app: &config::App) -> Self {
        Self {
            client_messages: app.client_messages,
            subscription_counts: app.subscription_counts,
            user_authentication: app.user_authentication,
            tls_only: app.tls_only,
            allowed_origins: app.allowed_origins.clone(),
            webhooks: app.webhooks.clone(),
            limits: app.limits.clone(),
        }
    }
}

impl Default for AppSettings {
    fn default() -> Self {
        Self::from(&config::App::default())
    }
}

impl ToSchema for AppLimitsSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "AppLimits".into()
    }
}

impl PartialSchema for AppLimitsSchema {
    fn schema() -> RefOr<Schema> {
        let unset = AppLimits::default();
        let mut described = Vec::new();
        unset.describe("", "", &mut described);
        let help: HashMap<&str, &str> =
            described.iter().map(|setting| (setting.name(), setting.help)).collect();
        let Ok(Value::Object(numbers)) = serde_json::to_value(&unset) else {
            unreachable!("a section is an object")
        };
        object(&numbers, &help).into()
    }
}

/// An object of numbers, each of which may be left out.
fn object(numbers: &Map<String, Value>, help: &HashMap<&str, &str>) -> ObjectBuilder {
    let object = ObjectBuilder::new()
        .description(Some("What bounds an application, its clients and its channels."))
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    numbers.iter().fold(object, |object, (name, default)| {
        let kind = if default.is_f64() { Type::Number } else { Type::Integer };
        let number = ObjectBuilder::new()
            .schema_type(kind)
            .minimum(Some(0))
            .description(help.get(name.as_str()).map(|help| help.trim()))
            .default(Some(default.clone()));
        object.property(name, number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_it_is_by_default() {
        let read: AppSettings = serde_json::from_str("{}").expect("settings");
        let whole = serde_json::to_value(&read).expect("an object");
        assert_eq!(whole, serde_json::to_value(AppSettings::default()).expect("an object"));
        assert_eq!(whole["client_messages"], true);
        assert!(serde_json::from_str::<AppSettings>(r#"{"limits": {"nothing": 1}}"#).is_err());
    }

    #[test]
    fn the_description_has_every_limit() {
        let schema = serde_json::to_value(AppLimitsSchema::schema()).expect("an object");
        let limits = serde_json::to_value(AppLimits::default()).expect("an object");
        let described = schema["properties"].as_object().expect("properties");
        assert_eq!(described.len(), limits.as_object().expect("an object").len());
        assert_eq!(described["cache_seconds"]["type"], "number");
        assert_eq!(described["connections_max"]["type"], "integer");
        assert!(described.values().all(|one| one["description"].is_string()), "{described:?}");
    }
}
