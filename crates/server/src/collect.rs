//! Gauges that are counted from the source, and the tasks that count what takes longer.

use crate::{
    apps::{App, Apps},
    metrics::{ArchiveSizeMetrics, ConnectionMetrics},
    ws::Lobby,
};
use campanile_core::{
    channel::ChannelKind,
    chat::Chat,
    fanout::Directory,
    labels::{ChannelType, Transport},
    metrics::App as AppLabel,
    room::RoomKind,
};
use campanile_metrics::Registry;
use std::{sync::Arc, time::Duration};

/// How often the archive is counted.
const ARCHIVE_EVERY: Duration = Duration::from_secs(60);

/// How often uploads of deleted rooms are cleared away.
const UPLOADS_EVERY: Duration = Duration::from_secs(60);

/// How often prekeys are counted.
const PREKEYS_EVERY: Duration = Duration::from_secs(60);

/// How often notifications are looked for that are due, of this node's messages or another's.
const PUSHES_EVERY: Duration = Duration::from_secs(1);

/// How often subscriptions to pushes are counted.
const SUBSCRIPTIONS_EVERY: Duration = Duration::from_secs(60);

/// How often presence is put right.
const PRESENCE_EVERY: Duration = Duration::from_secs(3);

/// How often expired sessions are forgotten.
const SESSIONS_EVERY: Duration = Duration::from_secs(600);

/// How often messages are looked for that are kept no longer, at least.
const EVICT_EVERY: Duration = Duration::from_secs(60);

/// Messages that retention removes at once.
const EVICTED_AT_ONCE: usize = 1_000;

/// Counts connections, users and rooms whenever somebody looks.
pub fn count_what_is_open(
    registry: &Registry,
    chat: &Arc<Chat>,
    lobby: &Arc<Lobby>,
    (metrics, apps): (&ConnectionMetrics, &Arc<Apps>),
) {
    metrics.max.set(lobby.connections_max());
    let (chat, lobby, metrics) = (chat.clone(), lobby.clone(), metrics.clone());
    let apps = apps.clone();
    registry.add_collector(move || {
        let counted = chat.metrics();
        let native = counted.native;
        let open = lobby.open().into_iter().flat_map(|(app, open)| {
            [(app, Transport::WebSocket, open.websocket), (app, Transport::Sse, open.sse)]
        });
        metrics.active.recount(open);
        counted.connections.send_queue.set(chat.shards().frames_waiting());
        let directory = chat.directory();
        counted.connections.users_online.recount([(native, directory.users())]);
        let apps = apps.all();
        let members = apps
            .iter()
            .map(|app| (app.label, directory.channels(&app.id, ChannelKind::Presence).members));
        counted.presence.members.recount(members.chain([(native, directory.users())]));
        let kinds = [RoomKind::Public, RoomKind::Private, RoomKind::Direct];
        let rooms: Vec<_> = kinds
            .map(|kind| (native, ChannelType::from(kind), directory.rooms(kind)))
            .into_iter()
            .chain(apps.iter().flat_map(|app| count_channels(app, directory)))
            .collect();
        let active = rooms.iter().map(|(app, channel, (rooms, _))| (*app, *channel, *rooms));
        counted.rooms.active.recount(active);
        let listeners = rooms.iter().map(|(_, channel, (_, listeners))| (*channel, *listeners));
        counted.rooms.participants.recount(listeners);
        // Who listens to a room hears of the presence of the others, and so in presence channels.
        let hear = rooms
            .iter()
            .filter(|(app, channel, _)| *app == native || *channel == ChannelType::Presence);
        let hear: usize = hear.map(|(_, _, (_, listeners))| listeners).sum();
        counted.presence.subscriptions.set(hear);
    });
}

/// The channels of an application and their subscriptions, by kind.
fn count_channels(
    app: &App,
    directory: &Directory,
) -> [(AppLabel, ChannelType, (usize, usize)); 5] {
    ChannelKind::ALL.map(|kind| {
        let open = directory.channels(&app.id, kind);
        (app.label, ChannelType::from(kind), (open.channels, open.subscriptions))
    })
}

/// Counts the archive once a minute; for the server to spawn.
pub async fn count_archive(chat: Arc<Chat>, metrics: ArchiveSizeMetrics) {
    let mut ticks = tokio::time::interval(ARCHIVE_EVERY);
    loop {
        ticks.tick().await;
        // A store that fails is counted where it is called; the old figures say how old they are.
        if let Ok(archive) = chat.ports().messages.size().await {
            metrics.messages.set(archive.messages);
            metrics.stored.set(archive.bytes);
            let millis = chat.clock().now().0;
            metrics.counted_at.set(millis as f64 / 1_000.0);
        }
    }
}

/// Removes messages that are older than their room keeps them, or than `kept` where it does not
/// say; for the server to spawn. `None` keeps those for ever.
pub async fn evict(chat: Arc<Chat>, kept: Option<Duration>) {
    let every = kept.map_or(EVICT_EVERY, |kept| kept / 10);
    let mut ticks = tokio::time::interval(every.clamp(Duration::from_secs(1), EVICT_EVERY));
    loop {
        ticks.tick().await;
        let now = chat.clock().now();
        while let Ok(evicted) = chat.ports().messages.evict(now, kept, EVICTED_AT_ONCE).await {
            if evicted < EVICTED_AT_ONCE as u64 {
                break;
            }
        }
    }
}

/// Clears away uploads of deleted rooms, and counts what is left; for the server to spawn.
pub async fn clear_uploads(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(UPLOADS_EVERY);
    loop {
        ticks.tick().await;
        // A store that fails is counted where it is called; the next tick tries again.
        let _counted = chat.clear_uploads().await;
    }
}

/// Puts presence and channels right after nodes have died; for the server to spawn.
pub async fn reconcile_presence(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(PRESENCE_EVERY);
    loop {
        ticks.tick().await;
        let _counted = chat.reconcile_presence().await;
        let _counted = chat.reconcile_channels().await;
    }
}

/// Counts the prekeys that are left once a minute; for the server to spawn.
pub async fn count_prekeys(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(PREKEYS_EVERY);
    loop {
        ticks.tick().await;
        // A store that fails is counted where it is called; the next tick tries again.
        let _counted = chat.count_prekeys().await;
    }
}

/// Hands over the notifications that are due; for the server to spawn.
pub async fn deliver_pushes(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(PUSHES_EVERY);
    loop {
        ticks.tick().await;
        while let Ok(1..) = chat.deliver_pushes().await {}
    }
}

/// Counts subscriptions to pushes once a minute; for the server to spawn.
pub async fn count_push_subscriptions(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(SUBSCRIPTIONS_EVERY);
    loop {
        ticks.tick().await;
        let _counted = chat.count_push_subscriptions().await;
    }
}

/// Forgets sessions that have expired; for the server to spawn.
pub async fn purge_sessions(chat: Arc<Chat>) {
    let mut ticks = tokio::time::interval(SESSIONS_EVERY);
    loop {
        ticks.tick().await;
        let _counted = chat.ports().sessions.purge(chat.clock().now()).await;
    }
}
