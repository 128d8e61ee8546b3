//! Notifications: who is told, of what, and what becomes of those that are not taken.

mod support;

use async_trait::async_trait;
use campanile_core::{
    limits::Limits,
    message::{Amendment, Sequence},
    name::{RoomName, UserName},
    port::{NewJob, PushError, PushFault, PushService},
    push::{Notification, PushEndpoint, PushSubscription},
    user::{Session, Status},
};
use std::{
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Node, on_a_node_with, settle, token};

/// A push service that answers what it is told to, and otherwise takes everything.
#[derive(Default)]
struct Scripted {
    answers: Mutex<VecDeque<PushError>>,
    told: Mutex<Vec<String>>,
}

#[async_trait]
impl PushService for Scripted {
    fn application_key(&self) -> [u8; 65] {
        [4; 65]
    }

    fn check(&self, _: &PushSubscription) -> Result<(), PushError> {
        Ok(())
    }

    async fn deliver(
        &self,
        subscription: &PushSubscription,
        notification: &Notification,
    ) -> Result<(), PushError> {
        let endpoint = subscription.endpoint.as_str().trim_start_matches("https://push.example/");
        let told = format!("{endpoint} hears {}: {}", notification.from, notification.body);
        self.told.lock().expect("it").push(told);
        match self.answers.lock().expect("it").pop_front() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// Ada, who speaks, and bob, who is not there and whose browser is subscribed.
struct Scene {
    node: Rc<Node>,
    service: Arc<Scripted>,
    ada: UserName,
    bob: UserName,
    room: RoomName,
}

fn play<F: Future<Output = ()>>(test: impl FnOnce(Scene) -> F) {
    play_with(Limits::default(), test);
}

fn play_with<F: Future<Output = ()>>(limits: Limits, test: impl FnOnce(Scene) -> F) {
    let service = Arc::new(Scripted::default());
    let taken = service.clone();
    let limits = Limits { rates: None, ..limits };
    on_a_node_with(
        limits,
        move |ports| ports.push_service = Some(taken),
        async |node| {
            let (ada, bob) = (node.user("ada").await, node.user("bob").await);
            let room = node.chat.open_direct(&ada, &bob).await.expect("a room").0.name;
            let scene = Scene { node, service, ada, bob, room };
            scene.subscribe("one").await;
            test(scene).await;
        },
    );
}

impl Scene {
    async fn subscribe(&self, name: &str) {
        let session = Session {
            user: self.bob.clone(),
            token: token(&self.bob),
            operator: false,
            expires_at: self.node.chat.clock().now().plus(Duration::from_secs(365 * 86_400)),
        };
        let endpoint = PushEndpoint::parse(&format!("https://push.example/{name}")).expect("one");
        let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [0; 16] };
        let sessions = &self.node.chat.ports().sessions;
        if sessions.find(session.token, self.node.chat.clock().now()).await.expect("it").is_none() {
            sessions.open(session.clone()).await.expect("opened");
        }
        let subscribed = self.node.chat.subscribe_to_pushes(&session, subscription).await;
        subscribed.expect("subscribed");
    }

    fn answers(&self, answers: impl IntoIterator<Item = PushError>) {
        self.service.answers.lock().expect("it").extend(answers);
    }

    async fn say(&self, body: &str) -> Sequence {
        let said = self.node.say(&self.ada, &self.room, body).await.expect("said");
        said.message.seq()
    }

    /// Makes jobs of what was said.
    async fn queue(&self) {
        let chat = self.node.chat.clone();
        let queueing = tokio::task::spawn_local(async move { chat.queue_pushes().await });
        settle().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        settle().await;
        queueing.abort();
        let _ended = queueing.await;
    }

    /// Hands over what is due; what was told by it.
    async fn deliver(&self) -> Vec<String> {
        self.node.chat.deliver_pushes().await.expect("the store works");
        std::mem::take(&mut self.service.told.lock().expect("it"))
    }

    fn queue_count(&self, name: &str) -> f64 {
        self.node.probe().value(name, &[("queue", "push")]).expect("the series is there")
    }

    fn job_failures(&self, reason: &str) -> f64 {
        let labels = [("queue", "push"), ("reason", reason)];
        let counted = self.node.probe().value("chat_queue_jobs_failed_total", &labels);
        counted.expect("the series is there")
    }

    fn sent(&self) -> f64 {
        self.node.probe().sum("chat_notifications_sent_total")
    }

    fn failed(&self, reason: &str) -> f64 {
        let labels = [("provider", "webpush"), ("reason", reason)];
        let counted = self.node.probe().value("chat_notifications_failed_total", &labels);
        counted.expect("the series is there")
    }
}

fn failure(kind: PushFault, retry_after: Option<u64>) -> PushError {
    let retry_after = retry_after.map(Duration::from_secs);
    PushError { kind, retry_after, reason: "ill".to_owned() }
}

#[test]
fn each_browser_is_told_of_the_last_message() {
    play(async |scene| {
        scene.subscribe("two").await;
        for number in 1..=3 {
            scene.say(&format!("message {number}")).await;
        }
        scene.queue().await;
        let mut told = scene.deliver().await;
        told.sort();
        assert_eq!(told, ["one hears ada: message 3", "two hears ada: message 3"]);
        assert_eq!(scene.deliver().await, [""; 0]);
        assert_eq!(
            (scene.sent(), scene.queue_count("chat_queue_jobs_processed_total")),
            (2.0, 2.0)
        );
    });
}

#[test]
fn what_is_no_news_any_more_is_not_told() {
    play(async |scene| {
        let chat = scene.node.chat.clone();
        let seq = scene.say("read elsewhere").await;
        scene.queue().await;
        chat.mark_read(&scene.bob, &scene.room, seq).await.expect("marked");
        assert_eq!(scene.deliver().await, [""; 0]);

        let seq = scene.say("by mistake").await;
        scene.queue().await;
        let amended = chat.amend(&scene.ada, &scene.room, seq, Amendment::Delete).await;
        assert!(amended.expect("deleted"));
        assert_eq!(scene.deliver().await, [""; 0]);

        scene.say("he comes").await;
        scene.queue().await;
        let bob = scene.node.connect(&scene.bob).await;
        settle().await;
        assert_eq!(scene.deliver().await, [""; 0]);
        assert_eq!(
            (scene.sent(), scene.queue_count("chat_queue_jobs_processed_total")),
            (0.0, 3.0)
        );
        drop(bob);
    });
}

#[test]
fn who_is_connected_is_not_told_whatever_their_status() {
    play(async |scene| {
        let bob = scene.node.connect(&scene.bob).await;
        for status in [Status::Away, Status::DoNotDisturb, Status::Unavailable] {
            bob.connection.set_status(status).await.expect("it is said");
            scene.say("he is here").await;
            scene.queue().await;
            assert_eq!(scene.deliver().await, [""; 0], "{status:?}");
        }
        let backlog = scene.node.chat.ports().jobs.backlog("push").await.expect("told");
        assert_eq!(backlog.pending, 0, "nothing was queued");
        assert_eq!(scene.queue_count("chat_queue_jobs_processed_total"), 0.0);
    });
}

#[test]
fn what_is_changed_meanwhile_is_told_as_it_is() {
    play(async |scene| {
        let seq = scene.say("with a tpyo").await;
        scene.queue().await;
        let edit = Amendment::Edit { body: "without".into() };
        let amended = scene.node.chat.amend(&scene.ada, &scene.room, seq, edit).await;
        assert!(amended.expect("changed"));
        assert_eq!(scene.deliver().await, ["one hears ada: without"]);
    });
}

#[test]
fn it_is_tried_again_ever_later_and_given_up() {
    play(async |scene| {
        let ill = |retry_after| failure(PushFault::Provider, retry_after);
        scene.answers([None, Some(60)].map(ill));
        scene.answers(
            [PushFault::Timeout, PushFault::RateLimited, PushFault::Other]
                .map(|kind| failure(kind, None)),
        );
        scene.say("ding").await;
        scene.queue().await;
        for (attempt, wait) in [5, 60, 20, 40].into_iter().enumerate() {
            assert_eq!(scene.deliver().await.len(), 1, "attempt {}", attempt + 1);
            scene.node.pass(Duration::from_secs(wait) - Duration::from_millis(1)).await;
            assert_eq!(scene.deliver().await.len(), 0, "{wait} s were to be waited");
            scene.node.pass(Duration::from_millis(1)).await;
        }
        assert_eq!(scene.deliver().await.len(), 1);
        scene.node.pass(Duration::from_secs(86_400)).await;
        assert_eq!(scene.deliver().await.len(), 0);
        assert_eq!(scene.queue_count("chat_queue_jobs_retried_total"), 4.0);
        assert_eq!(scene.queue_count("chat_queue_jobs_dead_lettered_total"), 1.0);
        for (reason, count) in [("handler", 4.0), ("timeout", 1.0), ("exhausted", 1.0)] {
            assert_eq!(scene.job_failures(reason), count, "{reason}");
        }
        for (reason, count) in
            [("provider_5xx", 2.0), ("timeout", 1.0), ("rate_limited", 1.0), ("other", 1.0)]
        {
            assert_eq!(scene.failed(reason), count, "{reason}");
        }
    });
}

#[test]
fn who_is_gone_is_forgotten_and_who_is_refused_is_not() {
    play(async |scene| {
        let refused = [PushFault::Auth, PushFault::Payload, PushFault::InvalidToken];
        scene.answers(refused.map(|kind| failure(kind, None)));
        for body in ["refused", "refused too", "gone", "nobody"] {
            scene.say(body).await;
            scene.queue().await;
            scene.deliver().await;
        }
        for reason in ["auth", "payload", "invalid_token"] {
            assert_eq!(scene.failed(reason), 1.0, "{reason}");
        }
        let left = scene.node.chat.ports().pushes.count().await.expect("counted");
        assert_eq!(left, 0);
        assert_eq!(
            scene.queue_count("chat_queue_jobs_processed_total"),
            0.0,
            "nothing was queued for nobody"
        );
        assert_eq!(scene.queue_count("chat_queue_jobs_retried_total"), 0.0);
    });
}

#[test]
fn messages_do_not_wait_for_notifications_and_their_queue_is_bounded() {
    play(async |scene| {
        for number in 0..1_030 {
            scene.say(&format!("message {number}")).await;
        }
        assert_eq!(scene.failed("overflow"), 6.0);
    });
}

#[test]
fn what_makes_no_sense_is_not_tried_again() {
    play(async |scene| {
        let (jobs, now) = (&scene.node.chat.ports().jobs, scene.node.chat.clock().now());
        let payload = "no task".into();
        let job = NewJob { queue: "push".to_owned(), payload, due: now, given_at: now };
        jobs.push(&[job]).await.expect("pushed");
        assert_eq!(scene.deliver().await, [""; 0]);
        assert_eq!(scene.job_failures("decode"), 1.0);
        assert_eq!(jobs.backlog("push").await.expect("told").pending, 0);
    });
}

#[test]
fn when_it_is_tried_again_a_later_message_has_taken_its_place() {
    play(async |scene| {
        scene.answers([failure(PushFault::Provider, None), failure(PushFault::Provider, None)]);
        for body in ["first", "second"] {
            scene.say(body).await;
            scene.queue().await;
            assert_eq!(scene.deliver().await, [format!("one hears ada: {body}")]);
        }
        scene.node.pass(Duration::from_secs(10)).await;
        assert_eq!(scene.deliver().await, ["one hears ada: second"]);
        assert_eq!(scene.queue_count("chat_queue_jobs_processed_total"), 2.0);
    });
}

#[test]
fn a_later_message_that_was_deleted_takes_no_place() {
    play(async |scene| {
        scene.answers([failure(PushFault::Provider, None)]);
        scene.say("first").await;
        scene.queue().await;
        scene.deliver().await;
        let seq = scene.say("by mistake").await;
        let amended = scene.node.chat.amend(&scene.ada, &scene.room, seq, Amendment::Delete).await;
        assert!(amended.expect("deleted"));
        scene.node.pass(Duration::from_secs(10)).await;
        assert_eq!(scene.deliver().await, ["one hears ada: first"]);
    });
}

#[test]
fn only_so_many_wait_for_push_services() {
    let limits = Limits { push_queue_max: 3, ..Limits::default() };
    play_with(limits, async |scene| {
        scene.subscribe("two").await;
        scene.answers((0..3).map(|_| failure(PushFault::Provider, Some(60))));
        for number in 1..=2 {
            scene.say(&format!("message {number}")).await;
            scene.queue().await;
        }
        assert_eq!(scene.failed("overflow"), 1.0);
        assert_eq!(scene.deliver().await.len(), 3);
        scene.say("message 3").await;
        scene.queue().await;
        assert_eq!(scene.failed("overflow"), 3.0, "what is tried again waits too");
        scene.node.pass(Duration::from_secs(60)).await;
        scene.deliver().await;
        scene.deliver().await;
        scene.say("message 4").await;
        scene.queue().await;
        assert_eq!(scene.failed("overflow"), 3.0, "there is room again");
        assert_eq!(scene.deliver().await.len(), 2);
    });
}
