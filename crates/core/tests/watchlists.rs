//! Watchlists: who is told when which users sign in and when they are gone, over all nodes.

mod support;

use campanile_core::{
    channel::{AppId, Channel},
    connection::{AppConnection, AppGreeting},
    fanout::Outbox,
    labels::Transport,
    limits::Limits,
    port::ConnectionId,
};
use std::{rc::Rc, sync::Arc, time::Duration};
use support::{Node, lines, on_a_node, settle, two::on_two_nodes};

/// After so long who is not noted is gone, and not only lost.
const SURE: Duration = Duration::from_secs(17);

struct Client {
    connection: AppConnection,
    outbox: Rc<Outbox>,
}

fn app() -> AppId {
    AppId::parse("shop").expect("an id")
}

fn connect(node: &Node, number: u64) -> Client {
    connect_for(node, number, app())
}

fn connect_for(node: &Node, number: u64, app: AppId) -> Client {
    let label = node.chat.metrics().native;
    let outbox = node.shard.outbox_for(label, Transport::WebSocket);
    let greeting = AppGreeting {
        connection: ConnectionId(number),
        app,
        label,
        protocol: 0,
        connections_max: 100,
        counts: false,
    };
    let connection = node.shard.connect_for(greeting, outbox.clone()).expect("room for it");
    Client { connection, outbox }
}

fn names(users: &[Arc<str>]) -> String {
    users.join(" ")
}

impl Client {
    async fn sign_in(&self, user: &str) {
        self.connection.sign_in(&user.into()).await;
        settle().await;
    }

    /// Watches these users; who of them is there, and who is not.
    async fn watch(&self, users: &[&str]) -> (String, String) {
        let watching = self.connection.watch(users.iter().map(|user| (*user).into())).await;
        (names(&watching.online), names(&watching.offline))
    }

    async fn heard(&self) -> Vec<String> {
        let lines = lines(&self.outbox).await;
        lines.into_iter().map(|line| line.replace("#signed-in-", "")).collect()
    }
}

#[test]
fn who_watches_is_told_how_it_is_and_then_what_changes() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        bob.sign_in("bob").await;
        ada.sign_in("ada").await;
        let seen = ada.watch(&["eve", "bob", "bob", "ada"]).await;
        assert_eq!(seen, ("ada bob".to_owned(), "eve".to_owned()));
        let (eve, again) = (connect(&node, 3), connect(&node, 4));
        eve.sign_in("eve").await;
        again.sign_in("eve").await;
        assert_eq!(ada.heard().await, ["eve added eve"], "once, however many connections");
        drop(eve);
        assert_eq!(ada.heard().await, [""; 0], "another is there");
        drop(again);
        assert_eq!(ada.heard().await, ["eve removed eve"]);
        assert_eq!(bob.heard().await, [""; 0], "who watches nobody hears of nobody");
    });
}

#[test]
fn what_changes_while_the_answer_is_made_follows_it() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (connect(&node, 1), connect(&node, 2));
        let watching = ada.connection.watch(["bob".into()]).await;
        assert_eq!(names(&watching.offline), "bob");
        bob.sign_in("bob").await;
        drop(bob);
        let bob = connect(&node, 3);
        bob.sign_in("bob").await;
        assert_eq!(ada.heard().await, [""; 0]);
        drop(watching);
        assert_eq!(ada.heard().await, ["bob added bob"], "what is so in the end");
    });
}

#[test]
fn who_watches_others_or_has_gone_hears_no_more() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob, eve) = (connect(&node, 1), connect(&node, 2), connect(&node, 3));
        ada.watch(&["bob"]).await;
        ada.watch(&["eve"]).await;
        bob.sign_in("bob").await;
        eve.sign_in("eve").await;
        assert_eq!(ada.heard().await, ["eve added eve"]);
        let other = connect_for(&node, 4, AppId::parse("other").expect("an id"));
        other.sign_in("bob").await;
        assert_eq!(other.watch(&["eve", "bob"]).await, ("bob".to_owned(), "eve".to_owned()));
        drop((ada, eve));
        assert_eq!(other.heard().await, [""; 0], "each application has its own users");
    });
}

#[test]
fn a_user_is_there_whichever_node_has_the_connection() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.there, 2));
        bob.sign_in("bob").await;
        assert_eq!(ada.watch(&["bob", "eve"]).await, ("bob".to_owned(), "eve".to_owned()));
        let (here, there) = (connect(&two.here, 3), connect(&two.there, 4));
        there.sign_in("eve").await;
        here.sign_in("eve").await;
        assert_eq!(ada.heard().await, ["eve added eve"]);
        drop(there);
        assert_eq!(ada.heard().await, [""; 0]);
        drop(here);
        assert_eq!(ada.heard().await, ["eve removed eve"]);
        drop(bob);
        assert_eq!(ada.heard().await, ["bob removed bob"]);
    });
}

#[test]
fn who_signed_in_and_went_while_signals_were_lost_is_told_afterwards() {
    on_two_nodes(async |two| {
        let (ada, bob) = (connect(&two.here, 1), connect(&two.there, 2));
        bob.sign_in("bob").await;
        ada.watch(&["bob", "eve"]).await;
        two.wire.cut();
        let eve = connect(&two.there, 3);
        eve.sign_in("eve").await;
        drop(bob);
        assert_eq!(ada.heard().await, [""; 0]);
        // Who asks meanwhile is given what the other has not heard.
        let late = connect(&two.here, 4);
        assert_eq!(late.watch(&["bob", "eve"]).await, ("eve".to_owned(), "bob".to_owned()));
        two.wire.mend().await;
        assert_eq!(ada.heard().await, ["eve added eve"], "who has come, at once");
        two.here.pass(SURE).await;
        assert_eq!(ada.heard().await, ["bob removed bob"], "who is gone, when that is sure");
        two.wire.mend().await;
        two.here.pass(SURE).await;
        assert_eq!(ada.heard().await, [""; 0], "each once");
        assert_eq!(late.heard().await, [""; 0], "it was given all of it");
        two.wire.cut();
        drop(eve);
        two.wire.mend().await;
        two.here.pass(SURE).await;
        assert_eq!((ada.heard().await, late.heard().await), (gone("eve"), gone("eve")));
    });
}

fn gone(user: &str) -> Vec<String> {
    vec![format!("{user} removed {user}")]
}

#[test]
fn who_is_signed_in_is_no_channel_that_is_listed() {
    on_a_node(Limits::default(), async |node| {
        let ada = connect(&node, 1);
        ada.sign_in("ada").await;
        let occupied = node.chat.occupied_channels(&app(), "").await.expect("they are there");
        assert_eq!(occupied, []);
        let seen = node.chat.channel(&Channel::of_signed_in(&app(), "ada")).await;
        assert_eq!(seen.expect("it is kept").subscriptions, 1);
        drop(ada);
        settle().await;
        let seen = node.chat.channel(&Channel::of_signed_in(&app(), "ada")).await;
        assert_eq!(seen.expect("it is kept").subscriptions, 0);
    });
}
