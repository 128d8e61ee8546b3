//! What webhooks say: the words of the Pusher protocol, and of the chat's own where it has none, signed
//! with the key of their application.

use crate::{apps::Apps, pusher::socket_id, ws::stamp};
use campanile_adapter_webhook::{Letter, Letters};
use campanile_core::{
    channel::Data,
    webhook::{Happening, HookId, Hooks, RoomMessage, What},
};
use campanile_protocol::Stamp;
use campanile_pusher::webhook::{Event, KEY_HEADER, SIGNATURE_HEADER, envelope, sign};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// Writes webhooks for the applications of this server.
pub struct Words {
    /// The applications, with their keys.
    pub apps: Arc<Apps>,
    /// Their webhooks.
    pub hooks: Arc<Hooks>,
}

impl Letters for Words {
    fn write(&self, hook: &HookId, happenings: &[Happening]) -> Option<Letter> {
        self.hooks.find(hook)?;
        let app = self.apps.by_id(hook.app.as_str())?;
        let credentials = app.keys.find(&app.key)?;
        let events: Vec<Box<RawValue>> = happenings.iter().map(written).collect();
        // Told again, it says the same.
        let time = happenings.iter().map(|happening| happening.at.0).max().unwrap_or_default();
        let body = envelope(u64::try_from(time).unwrap_or_default(), &events);
        let signature = sign(credentials, &body).to_string();
        let headers =
            vec![(KEY_HEADER, credentials.key().to_owned()), (SIGNATURE_HEADER, signature)];
        Some(Letter { body, headers })
    }
}

fn written(happening: &Happening) -> Box<RawValue> {
    let channel = happening.channel.name();
    let quoted;
    let event = match &happening.what {
        What::Occupied => Event::ChannelOccupied { channel },
        What::Vacated => Event::ChannelVacated { channel },
        What::MemberAdded(user_id) => Event::MemberAdded { channel, user_id },
        What::MemberRemoved(user_id) => Event::MemberRemoved { channel, user_id },
        What::ClientEvent { event, data, connection, user } => {
            quoted = json(data);
            Event::ClientEvent {
                channel,
                event,
                data: quoted.as_deref(),
                socket_id: socket_id(*connection),
                user_id: user.as_deref(),
            }
        }
        What::CacheMiss => Event::CacheMiss { channel },
        What::Counted(subscription_count) => {
            Event::SubscriptionCount { channel, subscription_count: *subscription_count }
        }
        What::Message(message) => return said(happening, message),
    };
    to_raw_value(&event).expect("events have text keys")
}

/// A message of a room, in the words of the chat's own interface.
#[derive(Serialize)]
struct Said<'a> {
    name: &'static str,
    room: &'a str,
    seq: u64,
    message_id: String,
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    at: Stamp,
}

fn said(happening: &Happening, message: &RoomMessage) -> Box<RawValue> {
    let said = Said {
        name: happening.what.event().values()[0],
        room: happening.channel.name(),
        seq: message.id.seq.0,
        message_id: message.id.to_string(),
        user: message.user.as_str(),
        body: message.body.as_deref(),
        at: stamp(happening.at),
    };
    to_raw_value(&said).expect("messages have text keys")
}

fn json(data: &Data) -> Option<Box<RawValue>> {
    match data {
        Data::Nothing => None,
        Data::Text(text) => to_raw_value(&**text).ok(),
        Data::Raw(json) => RawValue::from_string(json.to_string()).ok(),
    }
}
