//! What happens in the channels of applications.

use crate::{
    scene::{Scene, WEBSOCKET, cases},
    support::{
        Server,
        pusher::{APP, Client, inner, with_app},
        start_with,
    },
};
use serde_json::json;

const SHOP: (&str, &str) = ("app", APP);
const PRESENCE: (&str, &str) = ("channel_type", "presence");

cases! {
    connections_of_an_application_are_counted_as_its_own moves [
        "chat_connections_active{transport=websocket}",
        "chat_connections_opened_total{transport=websocket}",
        "chat_connections_rejected_total{transport=websocket,reason=auth}",
        "chat_connections_closed_total{transport=websocket,reason=client_close}",
    ] connections;
    channels_are_counted_like_rooms moves [
        "chat_rooms_active{channel_type=presence}",
        "chat_room_participants{channel_type=presence}",
        "chat_room_joins_total{channel_type=presence}",
        "chat_room_leaves_total{channel_type=presence,reason=client|disconnect}",
        "chat_room_join_failures_total{channel_type=presence,reason=forbidden}",
        "chat_room_openings_total{channel_type=presence}",
        "chat_room_closings_total{channel_type=presence}",
        "chat_presence_members",
        "chat_presence_subscriptions",
    ] channels;
    channels_of_every_kind_are_counted_apart moves [
        "chat_rooms_active{channel_type=public|private|encrypted|presence}",
        "chat_room_participants{channel_type=public|private|encrypted|presence}",
        "chat_room_joins_total{channel_type=public|private|encrypted|presence}",
        "chat_room_leaves_total{channel_type=public|private|encrypted|presence,reason=client}",
        "chat_room_openings_total{channel_type=public|private|encrypted|presence}",
        "chat_room_closings_total{channel_type=public|private|encrypted|presence}",
        "chat_room_join_failures_total{channel_type=public,reason=duplicate}",
        "chat_message_broadcasts_total{channel_type=public|private|encrypted|presence}",
        "chat_messages_sent_total{transport=websocket,channel_type=public|private|encrypted|presence}",
    ] kinds;
    what_is_published_is_counted_with_its_copies moves [
        "chat_messages_received_total{transport=long_poll,kind=event}",
        "chat_message_broadcasts_total{channel_type=private}",
        "chat_messages_sent_total{transport=websocket,channel_type=private}",
        "chat_client_events_total{channel_type=private,result=accepted}",
        "chat_message_errors_total{reason=malformed}",
        "chat_rate_limit_rejections_total{limiter=message,context=user}",
    ] published;
    signatures_are_counted_apart moves [
        "chat_auth_successes_total{mechanism=hmac}",
        "chat_auth_failures_total{mechanism=hmac,reason=bad_credentials}",
    ] signatures;
}

fn shop() -> Server {
    start_with(|config| with_app(config, |_| {}))
}

fn connections(scene: &Scene) {
    let server = shop();
    let before = server.scrape();
    let (one, other) = (Client::open(&server), Client::open(&server));
    let labels = [SHOP, WEBSOCKET];
    scene.is(&server, "chat_connections_active", &labels, 2.0);
    scene.rose(&server, &before, ("chat_connections_opened_total", &labels), 2.0);
    one.leave();
    scene.is(&server, "chat_connections_active", &labels, 1.0);
    let left = [WEBSOCKET, ("reason", "client_close")];
    scene.rose(&server, &before, ("chat_connections_closed_total", &left), 1.0);
    assert_eq!(Client::try_open(server.address, "nobody?protocol=7").closed(), 4001);
    let rejected = [WEBSOCKET, ("reason", "auth")];
    scene.rose(&server, &before, ("chat_connections_rejected_total", &rejected), 1.0);
    drop(other);
    scene.is(&server, "chat_connections_active", &labels, 0.0);
}

fn channels(scene: &Scene) {
    let server = shop();
    let (mut ada, mut bob) = (Client::open(&server), Client::open(&server));
    let before = server.scrape();
    ada.subscribe("presence-lobby", Some("ada"));
    let members = bob.subscribe("presence-lobby", Some("bob"));
    assert_eq!(members["presence"]["count"], 2);
    let added = ada.hear("pusher_internal:member_added");
    assert_eq!(inner(&added)["user_id"], "bob");
    scene.is(&server, "chat_rooms_active", &[SHOP, PRESENCE], 1.0);
    scene.is(&server, "chat_room_participants", &[PRESENCE], 2.0);
    scene.is(&server, "chat_presence_members", &[SHOP], 2.0);
    scene.is(&server, "chat_presence_subscriptions", &[], 2.0);
    scene.rose(&server, &before, ("chat_room_joins_total", &[SHOP, PRESENCE]), 2.0);
    scene.rose(&server, &before, ("chat_room_openings_total", &[PRESENCE]), 1.0);
    let wanted = json!({"channel": "presence-lobby", "auth": "wrong"});
    bob.say("pusher:subscribe", &wanted);
    bob.hear("pusher:error");
    let refused = [PRESENCE, ("reason", "forbidden")];
    scene.rose(&server, &before, ("chat_room_join_failures_total", &refused), 1.0);
    bob.say("pusher:unsubscribe", &json!({"channel": "presence-lobby"}));
    assert_eq!(inner(&ada.hear("pusher_internal:member_removed"))["user_id"], "bob");
    drop(ada);
    for reason in ["client", "disconnect"] {
        let labels = [SHOP, PRESENCE, ("reason", reason)];
        scene.rose(&server, &before, ("chat_room_leaves_total", &labels), 1.0);
    }
    scene.rose(&server, &before, ("chat_room_closings_total", &[PRESENCE]), 1.0);
    scene.is(&server, "chat_presence_members", &[SHOP], 0.0);
}

fn kinds(scene: &Scene) {
    let server = shop();
    let mut ada = Client::open(&server);
    for (channel, kind) in [
        ("news", "public"),
        ("private-room", "private"),
        ("private-encrypted-room", "encrypted"),
        ("presence-lobby", "presence"),
    ] {
        let kind = ("channel_type", kind);
        let before = server.scrape();
        ada.subscribe(channel, (kind.1 == "presence").then_some("ada"));
        scene.is(&server, "chat_rooms_active", &[SHOP, kind], 1.0);
        scene.is(&server, "chat_room_participants", &[kind], 1.0);
        scene.rose(&server, &before, ("chat_room_joins_total", &[SHOP, kind]), 1.0);
        scene.rose(&server, &before, ("chat_room_openings_total", &[kind]), 1.0);
        server.publish(channel, "news", "{}");
        scene.rose(&server, &before, ("chat_message_broadcasts_total", &[kind]), 1.0);
        let sent = [SHOP, WEBSOCKET, kind];
        scene.rose(&server, &before, ("chat_messages_sent_total", &sent), 1.0);
        if kind.1 == "public" {
            ada.say("pusher:subscribe", &json!({"channel": channel}));
            ada.hear("pusher:error");
            let again = [kind, ("reason", "duplicate")];
            scene.rose(&server, &before, ("chat_room_join_failures_total", &again), 1.0);
        }
        ada.say("pusher:unsubscribe", &json!({"channel": channel}));
        let left = [SHOP, kind, ("reason", "client")];
        scene.rose(&server, &before, ("chat_room_leaves_total", &left), 1.0);
        scene.rose(&server, &before, ("chat_room_closings_total", &[kind]), 1.0);
    }
}

fn published(scene: &Scene) {
    let server = shop();
    let (mut ada, mut bob) = (Client::open(&server), Client::open(&server));
    for client in [&mut ada, &mut bob] {
        client.subscribe("private-room", None);
    }
    let before = server.scrape();
    server.publish("private-room", "news", "hello");
    assert_eq!(ada.hear("news")["data"], "hello");
    assert_eq!(bob.hear("news")["data"], "hello");
    let received = [SHOP, ("transport", "long_poll"), ("kind", "event")];
    scene.rose(&server, &before, ("chat_messages_received_total", &received), 1.0);
    let kind = ("channel_type", "private");
    scene.rose(&server, &before, ("chat_message_broadcasts_total", &[kind]), 1.0);
    scene.rose(&server, &before, ("chat_messages_sent_total", &[SHOP, WEBSOCKET, kind]), 2.0);

    let said = json!({"event": "client-hi", "channel": "private-room", "data": {"to": "all"}});
    ada.send(&said.to_string());
    assert_eq!(bob.hear("client-hi")["data"]["to"], "all");
    let accepted = [kind, ("result", "accepted")];
    scene.rose(&server, &before, ("chat_client_events_total", &accepted), 1.0);
    for _ in 0..20 {
        ada.send(&said.to_string());
    }
    assert_eq!(ada.hear("pusher:error")["data"]["code"], 4301);
    let limited = [("limiter", "message"), ("context", "user")];
    scene.becomes(&server, ("chat_rate_limit_rejections_total", &limited), |total| total > 0.0);
    let before = server.scrape();
    ada.send("no JSON");
    ada.hear("pusher:error");
    let malformed = [("reason", "malformed")];
    scene.rose(&server, &before, ("chat_message_errors_total", &malformed), 1.0);
}

fn signatures(scene: &Scene) {
    let server = shop();
    let before = server.scrape();
    let mut ada = Client::open(&server);
    ada.subscribe("private-room", None);
    server.publish("private-room", "news", "hello");
    let hmac = ("mechanism", "hmac");
    scene.rose(&server, &before, ("chat_auth_successes_total", &[hmac]), 2.0);
    ada.say("pusher:subscribe", &json!({"channel": "private-other", "auth": "wrong"}));
    ada.hear("pusher:error");
    assert_eq!(server.get("/apps/1001/channels").status, 401);
    let refused = [hmac, ("reason", "bad_credentials")];
    scene.rose(&server, &before, ("chat_auth_failures_total", &refused), 2.0);
}
