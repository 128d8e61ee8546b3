//! Webhooks: what applications are told, when, once, and what becomes of what is not taken.

mod support;

use async_trait::async_trait;
use campanile_core::{
    channel::{AppId, Channel, ChannelKind, ChannelMember, Data, Published},
    chat::{Ports, Source, Webhooks},
    connection::{AppConnection, AppGreeting, Subscription},
    labels::{Transport, WebhookEvent, WebhookFailure},
    limits::Limits,
    message::Draft,
    port::{ConnectionId, JobId, NewJob, WebhookError, WebhookService},
    room::RoomKind,
    webhook::{Happening, Hook, HookId, Hooks, RoomMessage, What},
};
use std::{
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Node, on_a_node_with, settle, two::on_two_nodes_with};

const URL: &str = "https://shop.example/hooks";

/// A receiver that answers what it is told to, and otherwise takes everything.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<WebhookFailure>>,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl WebhookService for Scripted {
    async fn deliver(&self, hook: &HookId, happenings: &[Happening]) -> Result<(), WebhookError> {
        let words: Vec<String> = happenings.iter().map(word).collect();
        let host = hook.url.trim_start_matches("https://").split('/').next().unwrap_or_default();
        self.told.lock().expect("it").push(format!("{host}: {}", words.join(", ")));
        match self.answers.lock().expect("it").pop_front() {
            Some(kind) => Err(WebhookError { kind, reason: "it answers so".to_owned() }),
            None => Ok(()),
        }
    }
}

fn word(happening: &Happening) -> String {
    let channel = happening.channel.name();
    match &happening.what {
        What::Occupied => format!("{channel} occupied"),
        What::Vacated => format!("{channel} vacated"),
        What::MemberAdded(user) => format!("{channel} +{user}"),
        What::MemberRemoved(user) => format!("{channel} -{user}"),
        What::ClientEvent { event, user, .. } => {
            format!("{channel} {event} by {}", user.as_deref().unwrap_or("nobody"))
        }
        What::CacheMiss => format!("{channel} misses"),
        What::Counted(count) => format!("{channel} has {count}"),
        What::Message(RoomMessage { user, id, body, .. }) => {
            format!("{channel} {} by {user}: {}", id.seq.0, body.as_deref().unwrap_or("secret"))
        }
    }
}

fn app() -> AppId {
    AppId::parse("shop").expect("an id")
}

fn hook(url: &str, events: &[WebhookEvent]) -> Hook {
    Hook {
        id: HookId { app: app(), url: url.into() },
        events: events.to_vec(),
        rooms: vec![RoomKind::Public],
        direct_bodies: false,
        linger: Duration::from_secs(3),
        retry_time: Duration::from_secs(300),
        batch_max: 1,
        since: None,
    }
}

struct Scene {
    node: Rc<Node>,
    receiver: Arc<Scripted>,
    hooks: Arc<Hooks>,
}

/// All events to one webhook.
fn play<F: Future<Output = ()>>(test: impl FnOnce(Scene) -> F) {
    play_with((Limits::default(), [hook(URL, WebhookEvent::ALL)]), test);
}

fn play_with<F: Future<Output = ()>, const N: usize>(
    (limits, hooks): (Limits, [Hook; N]),
    test: impl FnOnce(Scene) -> F,
) {
    let receiver = Arc::new(Scripted::default());
    let service = receiver.clone();
    let hooks: Arc<Hooks> = Arc::new(hooks.into_iter().collect());
    let known = hooks.clone();
    on_a_node_with(
        limits,
        move |ports| ports.webhooks = Some(Webhooks { service, hooks: known }),
        async |node| test(Scene { node, receiver, hooks }).await,
    );
}

impl Scene {
    fn connect(&self, number: u64) -> AppConnection {
        connect(&self.node, number)
    }

    fn answers(&self, answers: impl IntoIterator<Item = WebhookFailure>) {
        self.receiver.answers.lock().expect("it").extend(answers);
    }

    /// Makes jobs of what has happened.
    async fn queue(&self) {
        settle().await;
        self.node.chat.queue_last_webhooks().await;
    }

    /// Tells what is due; what was told by it.
    async fn deliver(&self) -> Vec<String> {
        while self.node.chat.deliver_webhooks().await.expect("the store works") > 0 {}
        std::mem::take(&mut self.receiver.told.lock().expect("it"))
    }

    /// What is told of what has just happened.
    async fn told(&self) -> Vec<String> {
        self.queue().await;
        self.deliver().await
    }

    async fn pass(&self, seconds: u64) {
        self.node.pass(Duration::from_secs(seconds)).await;
    }

    fn queue_count(&self, name: &str) -> f64 {
        self.node.probe().value(name, &[("queue", "webhook")]).expect("the series is there")
    }

    fn sent(&self, event: &str) -> Option<f64> {
        self.node.probe().value("chat_webhooks_sent_total", &[("event", event)])
    }

    fn failed(&self, event: &str, reason: &str) -> Option<f64> {
        let labels = [("event", event), ("reason", reason)];
        self.node.probe().value("chat_webhooks_failed_total", &labels)
    }
}

fn connect(node: &Node, number: u64) -> AppConnection {
    let label = node.chat.metrics().native;
    let outbox = node.shard.outbox_for(label, Transport::WebSocket);
    let greeting = AppGreeting {
        connection: ConnectionId(number),
        app: app(),
        label,
        protocol: 0,
        connections_max: 200,
        counts: false,
    };
    node.shard.connect_for(greeting, outbox).expect("room for it")
}

fn channel(name: &str) -> Channel {
    Channel::new(&app(), name)
}

async fn subscribe(connection: &AppConnection, name: &str, user: Option<&str>) {
    let member = user.map(|user| ChannelMember { user: user.into(), info: None });
    let kind = if user.is_some() { ChannelKind::Presence } else { ChannelKind::Public };
    let keeps = name.starts_with("cache-");
    let subscription = Subscription { channel: channel(name), kind, member, keeps };
    drop(connection.subscribe(&subscription, 10).await.unwrap_or_else(|error| panic!("{error}")));
}

#[test]
fn an_application_is_told_what_happens_in_its_channels() {
    play(async |scene| {
        let (ada, bob) = (scene.connect(1), scene.connect(2));
        subscribe(&ada, "news", None).await;
        subscribe(&bob, "news", None).await;
        assert_eq!(scene.told().await, ["shop.example: news occupied"]);
        subscribe(&ada, "presence-room", Some("ada")).await;
        subscribe(&bob, "presence-room", Some("ada")).await;
        let mut told = scene.told().await;
        told.sort();
        assert_eq!(
            told,
            ["shop.example: presence-room +ada", "shop.example: presence-room occupied"]
        );
        let said = Published {
            event: "client-hello".into(),
            data: Data::Text("hi".into()),
            user: Some("ada".into()),
        };
        let at = scene.node.chat.clock().moment().into();
        let place = (&channel("presence-room"), ChannelKind::Presence);
        ada.say(place, said, at).await.expect("said");
        assert_eq!(scene.told().await, ["shop.example: presence-room client-hello by ada"]);
        assert_eq!(scene.sent("client_event"), Some(1.0));
        assert_eq!(scene.queue_count("chat_queue_jobs_processed_total"), 4.0);
        let duration = scene.node.probe().sum("chat_webhook_duration_seconds_count");
        assert_eq!(duration, 4.0);
    });
}

#[test]
fn who_has_gone_is_told_after_a_while_and_not_when_back_by_then() {
    play(async |scene| {
        let (ada, bob) = (scene.connect(1), scene.connect(2));
        subscribe(&ada, "presence-room", Some("ada")).await;
        subscribe(&bob, "news", None).await;
        scene.told().await;
        drop((ada, bob));
        assert_eq!(scene.told().await, [""; 0]);
        scene.pass(2).await;
        let back = scene.connect(3);
        subscribe(&back, "presence-room", Some("ada")).await;
        scene.told().await;
        scene.pass(1).await;
        assert_eq!(scene.deliver().await, ["shop.example: news vacated"]);
        assert_eq!(scene.queue_count("chat_queue_jobs_pending"), 0.0);
        drop(back);
        scene.queue().await;
        scene.pass(3).await;
        let mut told = scene.deliver().await;
        told.sort();
        let room = "shop.example: presence-room";
        assert_eq!(told, [format!("{room} -ada"), format!("{room} vacated")]);
    });
}

#[test]
fn of_two_nodes_that_see_the_last_one_leave_one_tells_so() {
    let receiver = Arc::new(Scripted::default());
    let service = receiver.clone();
    let hooks = Arc::new([hook(URL, WebhookEvent::ALL)].into_iter().collect());
    let change = move |ports: &mut Ports| ports.webhooks = Some(Webhooks { service, hooks });
    on_two_nodes_with(change, async |two| {
        let nodes = [&two.here, &two.there];
        let told = async || {
            settle().await;
            for node in nodes {
                node.chat.queue_last_webhooks().await;
            }
            for node in nodes {
                while node.chat.deliver_webhooks().await.expect("the store works") > 0 {}
            }
            let mut told = std::mem::take(&mut *receiver.told.lock().expect("it"));
            told.sort();
            told
        };
        let room = "shop.example: presence-room";
        let (here, there) = (connect(&two.here, 1), connect(&two.there, 2));
        subscribe(&here, "presence-room", Some("ada")).await;
        subscribe(&there, "presence-room", Some("ada")).await;
        assert_eq!(told().await, [format!("{room} +ada"), format!("{room} occupied")]);
        drop((here, there));
        assert_eq!(told().await, [""; 0]);
        two.here.pass(Duration::from_secs(3)).await;
        assert_eq!(told().await, [format!("{room} -ada"), format!("{room} vacated")]);
    });
}

#[test]
fn each_webhook_hears_what_it_wants() {
    use WebhookEvent::{ChannelOccupied, MemberAdded};
    let hooks = [hook(URL, &[MemberAdded]), hook("https://audit.example/", &[ChannelOccupied])];
    play_with((Limits::default(), hooks), async |scene| {
        let ada = scene.connect(1);
        subscribe(&ada, "presence-room", Some("ada")).await;
        let mut told = scene.told().await;
        told.sort();
        assert_eq!(
            told,
            ["audit.example: presence-room occupied", "shop.example: presence-room +ada"]
        );
        drop(ada);
        scene.queue().await;
        scene.pass(10).await;
        assert_eq!(scene.deliver().await, [""; 0]);
    });
}

#[test]
fn a_burst_of_misses_is_told_once() {
    play(async |scene| {
        let clients: Vec<_> = (1..=20).map(|number| scene.connect(number)).collect();
        for client in &clients[..19] {
            subscribe(client, "cache-weather", None).await;
        }
        let mut told = scene.told().await;
        told.sort();
        let weather = "shop.example: cache-weather";
        assert_eq!(told, [format!("{weather} misses"), format!("{weather} occupied")]);
        scene.pass(6).await;
        subscribe(&clients[19], "cache-weather", None).await;
        assert_eq!(scene.told().await, [format!("{weather} misses")]);
    });
}

#[test]
fn several_events_go_in_one_request_where_they_may() {
    let hooks = [Hook { batch_max: 3, ..hook(URL, &[WebhookEvent::ChannelOccupied]) }];
    play_with((Limits::default(), hooks), async |scene| {
        let ada = scene.connect(1);
        for name in ["a", "b", "c", "d"] {
            subscribe(&ada, name, None).await;
        }
        let told = scene.told().await;
        let expected =
            ["shop.example: a occupied, b occupied, c occupied", "shop.example: d occupied"];
        assert_eq!(told, expected);
        assert_eq!(scene.sent("channel_occupied"), Some(4.0));
    });
}

#[test]
fn what_is_not_taken_is_told_again_with_growing_pauses() {
    play(async |scene| {
        let ada = scene.connect(1);
        scene.answers([WebhookFailure::Status5xx, WebhookFailure::Timeout]);
        subscribe(&ada, "news", None).await;
        let occupied = ["shop.example: news occupied"];
        assert_eq!(scene.told().await, occupied);
        assert_eq!(scene.deliver().await, [""; 0], "not at once");
        scene.pass(2).await;
        assert_eq!(scene.deliver().await, occupied);
        scene.pass(1).await;
        assert_eq!(scene.deliver().await, [""; 0], "the second pause is longer");
        scene.pass(2).await;
        assert_eq!(scene.deliver().await, occupied);
        assert_eq!(scene.failed("channel_occupied", "status_5xx"), Some(1.0));
        assert_eq!(scene.failed("channel_occupied", "timeout"), Some(1.0));
        assert_eq!(scene.sent("channel_occupied"), Some(1.0));
        assert_eq!(scene.queue_count("chat_queue_jobs_retried_total"), 2.0);
        assert_eq!(scene.queue_count("chat_queue_jobs_pending"), 0.0);
    });
}

#[test]
fn a_receiver_that_is_ill_is_left_alone_and_others_are_not() {
    let occupied = [WebhookEvent::ChannelOccupied];
    let hooks = [hook(URL, &occupied), hook("https://audit.example/", &occupied)];
    play_with((Limits::default(), hooks), async |scene| {
        let ada = scene.connect(1);
        scene.answers([WebhookFailure::Timeout]);
        subscribe(&ada, "a", None).await;
        let told = scene.told().await;
        assert_eq!(told.len(), 2, "{told:?}");
        subscribe(&ada, "b", None).await;
        let told = scene.told().await;
        assert_eq!(told, ["audit.example: b occupied"]);
        scene.pass(3).await;
        let mut told = scene.deliver().await;
        told.sort();
        assert_eq!(told, ["shop.example: a occupied", "shop.example: b occupied"]);
    });
}

#[test]
fn what_is_never_taken_is_given_up_after_five_minutes_and_can_be_told_again() {
    play(async |scene| {
        let ada = scene.connect(1);
        scene.answers([WebhookFailure::Status4xx; 100]);
        subscribe(&ada, "news", None).await;
        scene.queue().await;
        let mut seconds = 0;
        while scene.queue_count("chat_queue_jobs_dead_lettered_total") == 0.0 {
            scene.deliver().await;
            scene.pass(1).await;
            seconds += 1;
            assert!(seconds < 600, "it is tried for ever");
        }
        assert!(seconds >= 300, "it was tried for {seconds} seconds");
        scene.receiver.answers.lock().expect("it").clear();
        scene.pass(100).await;
        assert_eq!(scene.deliver().await, [""; 0]);
        let chat = &scene.node.chat;
        let dead = chat.dead_webhooks(None, 10).await.expect("the store works");
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].error, "it answers so");
        let (hook, happening) = dead[0].told.as_ref().expect("it can be read");
        assert_eq!((&*hook.url, &happening.what), (URL, &What::Occupied));
        assert_eq!(chat.revive_webhooks(&[dead[0].id, JobId(77)]).await.expect("it works"), 1);
        assert_eq!(scene.deliver().await, ["shop.example: news occupied"]);
        assert_eq!(chat.dead_webhooks(None, 10).await.expect("the store works"), []);
    });
}

#[test]
fn only_so_much_waits_for_receivers() {
    let limits = Limits { webhook_queue_max: 2, ..Limits::default() };
    play_with((limits, [hook(URL, WebhookEvent::ALL)]), async |scene| {
        let ada = scene.connect(1);
        for name in ["a", "b", "c"] {
            subscribe(&ada, name, None).await;
        }
        assert_eq!(scene.told().await.len(), 2);
        assert_eq!(scene.failed("channel_occupied", "overflow"), Some(1.0));
    });
}

#[test]
fn what_nobody_can_read_is_put_aside() {
    play(async |scene| {
        let now = scene.node.chat.clock().now();
        let payload = "from another version".into();
        let job = NewJob { queue: "webhook".to_owned(), payload, due: now, given_at: now };
        scene.node.chat.ports().jobs.push(&[job]).await.expect("the store works");
        assert_eq!(scene.deliver().await, [""; 0]);
        let dead = scene.node.chat.dead_webhooks(None, 10).await.expect("the store works");
        assert_eq!((dead.len(), &dead[0].told), (1, &None));
    });
}

#[test]
fn channels_of_others_and_without_webhooks_are_nobodys_business() {
    play(async |scene| {
        let other = AppId::parse("other").expect("an id");
        let label = scene.node.chat.metrics().native;
        let outbox = scene.node.shard.outbox_for(label, Transport::WebSocket);
        let greeting = AppGreeting {
            connection: ConnectionId(9),
            app: other.clone(),
            label,
            protocol: 0,
            connections_max: 200,
            counts: false,
        };
        let connection = scene.node.shard.connect_for(greeting, outbox).expect("room for it");
        let subscription = Subscription {
            channel: Channel::new(&other, "news"),
            kind: ChannelKind::Public,
            member: None,
            keeps: false,
        };
        drop(connection.subscribe(&subscription, 10).await.expect("may subscribe"));
        assert_eq!(scene.told().await, [""; 0]);
    });
}

#[test]
fn what_is_for_a_webhook_that_was_removed_is_dropped_soon_and_not_given_up() {
    play(async |scene| {
        scene.answers([WebhookFailure::Status5xx]);
        let connection = scene.connect(1);
        subscribe(&connection, "news", None).await;
        assert_eq!(scene.told().await.len(), 1);
        scene.hooks.replace([], [app()]);
        let mut seconds = 0;
        while scene.queue_count("chat_queue_jobs_pending") > 0.0 {
            assert!(seconds < 60, "it waits for nobody");
            scene.pass(5).await;
            seconds += 5;
            assert_eq!(scene.deliver().await, [""; 0], "nobody is asked");
        }
        assert!(seconds >= 15, "another node may have known first: {seconds}");
        assert_eq!(scene.failed("channel_occupied", "signature"), Some(1.0));
        assert_eq!(scene.queue_count("chat_queue_jobs_dead_lettered_total"), 0.0);
        assert!(scene.node.chat.dead_webhooks(None, 10).await.expect("it works").is_empty());
    });
}

#[test]
fn who_asks_for_them_is_told_of_messages_of_the_rooms_it_asks_for() {
    let message = [WebhookEvent::Message];
    let all = vec![RoomKind::Public, RoomKind::Private, RoomKind::Direct];
    let hooks = [
        hook("https://public.example/", &message),
        Hook { rooms: all.clone(), ..hook("https://all.example/", &message) },
        Hook { rooms: all, direct_bodies: true, ..hook("https://trusted.example/", &message) },
        hook("https://channels.example/", &[WebhookEvent::ChannelOccupied]),
    ];
    play_with((Limits::default(), hooks), async |scene| {
        let node = &scene.node;
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let lobby = node.room(&ada, "lobby", RoomKind::Public).await;
        let den = node.room(&ada, "den", RoomKind::Private).await;
        let direct = node.chat.open_direct(&ada, &bob).await.expect("a room").0.name;
        let told = async |room| {
            node.say(&ada, room, "hello").await.expect("said");
            let mut told = scene.told().await;
            told.sort();
            told
        };
        let expected = ["all", "public", "trusted"]
            .map(|host| format!("{host}.example: lobby 1 by ada: hello"));
        assert_eq!(told(&lobby).await, expected);
        let expected =
            ["all", "trusted"].map(|host| format!("{host}.example: den 1 by ada: hello"));
        assert_eq!(told(&den).await, expected);
        let expected = [
            format!("all.example: {direct} 1 by ada: secret"),
            format!("trusted.example: {direct} 1 by ada: hello"),
        ];
        assert_eq!(told(&direct).await, expected);
        assert_eq!(scene.sent("message"), Some(7.0));
    });
}

#[test]
fn what_no_node_knows_is_dropped_after_five_minutes() {
    play(async |scene| {
        scene.answers([WebhookFailure::Status5xx]);
        let connection = scene.connect(1);
        subscribe(&connection, "news", None).await;
        assert_eq!(scene.told().await.len(), 1);
        scene.hooks.replace([], []);
        for _ in 0..28 {
            scene.pass(10).await;
            assert_eq!(scene.deliver().await, [""; 0]);
        }
        assert_eq!(scene.queue_count("chat_queue_jobs_pending"), 1.0, "another node may know it");
        for _ in 0..30 {
            scene.pass(10).await;
            assert_eq!(scene.deliver().await, [""; 0]);
        }
        assert_eq!(scene.queue_count("chat_queue_jobs_pending"), 0.0);
        assert!(scene.node.chat.dead_webhooks(None, 10).await.expect("it works").is_empty());
    });
}

#[test]
fn an_application_is_not_told_of_one_that_had_its_id_before() {
    play(async |scene| {
        scene.answers([WebhookFailure::Status5xx]);
        let connection = scene.connect(1);
        subscribe(&connection, "old", None).await;
        assert_eq!(scene.told().await.len(), 1);
        scene.pass(30).await;
        let since = Some(scene.node.chat.clock().now());
        scene.hooks.replace([Hook { since, ..hook(URL, WebhookEvent::ALL) }], [app()]);
        subscribe(&connection, "new", None).await;
        assert_eq!(scene.told().await, ["shop.example: new occupied"]);
        assert_eq!(scene.queue_count("chat_queue_jobs_pending"), 0.0);
        assert_eq!(scene.failed("channel_occupied", "signature"), Some(1.0));
    });
}

#[test]
fn a_message_that_was_sent_twice_is_told_of_once() {
    play(async |scene| {
        let ada = scene.node.user("ada").await;
        let room = scene.node.room(&ada, "lobby", RoomKind::Public).await;
        let draft = Draft {
            room,
            from: ada,
            body: "hello".into(),
            key: Some("key".into()),
            reply_to: None,
        };
        for _ in 0..2 {
            let source = Source { transport: Transport::WebSocket, trace: None };
            scene.node.chat.send(draft.clone(), source).await.expect("said");
        }
        assert_eq!(scene.told().await, ["shop.example: lobby 1 by ada: hello"]);
    });
}
