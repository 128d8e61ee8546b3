//! What people who talk over native connections see.

use crate::{
    client::{Client, say},
    server::{Server, start},
};
use campanile_core::room::RoomKind as Kind;
use campanile_protocol::*;
use std::collections::HashSet;

/// Ada and Bob, both in the public room `lobby`, with nothing left to hear.
async fn in_the_lobby(server: &Server) -> (Client, Client) {
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    server.room("ada", "lobby", Kind::Public).await;
    ada.join("lobby").await;
    bob.join("lobby").await;
    ada.event_of(|event| matches!(event, Event::Presence(_)).then_some(())).await;
    (ada, bob)
}

fn refused(answer: Result<Answer, Refusal>) -> ErrorCode {
    answer.expect_err("it is refused").code
}

#[tokio::test]
async fn two_clients_talk() {
    let server = start();
    let (mut ada, mut bob) = (server.client("ada").await, server.client("bob").await);
    server.room("ada", "lobby", Kind::Public).await;
    let joined = ada.join("lobby").await;
    assert_eq!((joined.last_seq, joined.truncated, joined.kind), (0, false, RoomKind::Public));
    let joined = bob.join("lobby").await;
    let members: Vec<_> = joined.members.iter().map(|member| &*member.user).collect();
    assert_eq!(members, ["ada", "bob"], "joining a public room makes a member");
    assert!(joined.members.iter().all(|member| member.status == Status::Available));

    let sent = ada.say("lobby", "hello, bob").await;
    assert_eq!((sent.seq, sent.duplicate), (1, false));
    let heard = bob.message().await;
    assert_eq!((&*heard.from, &*heard.body, heard.seq), ("ada", "hello, bob", 1));
    assert_eq!((heard.message_id, heard.at), (sent.message_id, sent.at));

    bob.say("lobby", "hello, ada").await;
    assert_eq!(ada.message().await.seq, 1, "a sender hears its own message in its place");
    assert_eq!(ada.message().await.body, "hello, ada");
    assert_eq!(ada.close().await, Some(1000));
}

#[tokio::test]
async fn everyone_hears_every_message_once_and_in_order() {
    const SENDERS: usize = 8;
    const EACH: usize = 50;
    let server = start();
    let mut listener = server.client("listener").await;
    server.room("listener", "square", Kind::Public).await;
    listener.join("square").await;
    let mut clients = Vec::new();
    for sender in 0..SENDERS {
        let mut client = server.client(&format!("sender{sender}")).await;
        client.join("square").await;
        clients.push(client);
    }
    let senders = clients.into_iter().enumerate().map(|(sender, mut client)| {
        tokio::spawn(async move {
            for number in 0..EACH {
                client.say("square", &format!("{sender}:{number}")).await;
            }
            let mut heard = Vec::new();
            while heard.len() < SENDERS * EACH {
                heard.push(client.message().await.seq);
            }
            heard
        })
    });
    let senders: Vec<_> = senders.collect();
    let all: Vec<u64> = (1..=(SENDERS * EACH) as u64).collect();
    let mut bodies = HashSet::new();
    let mut heard = Vec::new();
    while heard.len() < all.len() {
        let message = listener.message().await;
        heard.push(message.seq);
        assert!(bodies.insert(message.body), "no message comes twice");
    }
    assert_eq!(heard, all);
    for sender in senders {
        assert_eq!(sender.await.expect("it does not panic"), all);
    }
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed_and_then_what_happens() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    ada.say("lobby", "one").await;
    bob.message().await;
    let epoch = bob.join("lobby").await.epoch;
    bob.close().await;
    for body in ["two", "three"] {
        ada.say("lobby", body).await;
    }
    let talker = tokio::spawn(async move {
        for number in 4..=40 {
            ada.say("lobby", &number.to_string()).await;
        }
        ada
    });

    let token = server.session("bob").await;
    let mut bob = Client::hello(server.address, &token).await;
    let joined = bob.join_since("lobby", Some(Since { epoch, seq: 1 })).await;
    assert!(!joined.truncated);
    let mut seen: Vec<u64> = joined.messages.iter().map(|message| message.seq).collect();
    assert_eq!(seen.last().copied().unwrap_or(1), joined.last_seq);
    while seen.last().is_none_or(|seq| *seq < 40) {
        seen.push(bob.message().await.seq);
    }
    assert_eq!(seen, (2..=40).collect::<Vec<_>>(), "no gap and no repeat");
    talker.await.expect("it does not panic");
}

#[tokio::test]
async fn who_knows_another_history_or_misses_too_much_is_told_to_read_again() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    let epoch = ada.join("lobby").await.epoch;
    let other = Since { epoch: Epoch(epoch.0 ^ 1), seq: 0 };
    let joined = bob.join_since("lobby", Some(other)).await;
    assert!(joined.truncated && joined.messages.is_empty() && joined.epoch == epoch);
    for _ in 0..=server.chat.limits().resume_messages_max {
        ada.send(say("lobby", "much")).await;
    }
    let last = server.chat.limits().resume_messages_max as u64 + 1;
    bob.event_of(|event| matches!(event, Event::Message(one) if one.seq == last).then_some(()))
        .await;
    let joined = bob.join_since("lobby", Some(Since { epoch, seq: 0 })).await;
    assert!(joined.truncated && joined.messages.is_empty());
    let joined = bob.join_since("lobby", Some(Since { epoch, seq: last })).await;
    assert!(!joined.truncated && joined.messages.is_empty());
}

#[tokio::test]
async fn a_key_makes_a_repeated_request_the_same_message() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    let request = Request::Send {
        room: "lobby".into(),
        body: "once".into(),
        key: Some("k1".into()),
        reply_to: None,
    };
    let Answer::Sent(first) = ada.ask(request.clone()).await else { panic!("not sent") };
    let Answer::Sent(again) = ada.ask(request).await else { panic!("not sent") };
    assert_eq!((first.seq, first.duplicate), (1, false));
    assert_eq!(again, SentMessage { duplicate: true, ..first });
    ada.say("lobby", "next").await;
    assert_eq!(bob.message().await.key.as_deref(), Some("k1"));
    assert_eq!(bob.message().await.body, "next", "the repeat was not told");
}

#[tokio::test]
async fn messages_are_edited_answered_reacted_to_and_deleted() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    ada.say("lobby", "helo").await;
    bob.message().await;
    let room = || "lobby".to_owned();

    ada.ask(Request::Edit { room: room(), seq: 1, body: "hello".into() }).await;
    let Event::Edited(edited) = bob.event().await else { panic!("not edited") };
    assert_eq!((edited.seq, &*edited.body, &*edited.by), (1, "hello", "ada"));

    bob.ask(Request::React { room: room(), seq: 1, emoji: "👍".into(), on: true }).await;
    let reacted = ada.event_of(|event| match event {
        Event::Reaction(reacted) => Some(reacted),
        _ => None,
    });
    let reacted = reacted.await;
    assert_eq!((reacted.seq, &*reacted.emoji, reacted.on, &*reacted.by), (1, "👍", true, "bob"));

    let answer = Request::Send { room: room(), body: "hi".into(), key: None, reply_to: Some(1) };
    bob.ask(answer).await;
    assert_eq!(ada.message().await.reply_to, Some(1));

    let edit = Request::Edit { room: room(), seq: 1, body: "mine now".into() };
    assert_eq!(refused(bob.try_ask(edit).await), ErrorCode::Forbidden);
    ada.ask(Request::Delete { room: room(), seq: 1 }).await;
    let Event::Deleted(deleted) = bob
        .event_of(|event| match event {
            Event::Deleted(_) => Some(event),
            _ => None,
        })
        .await
    else {
        panic!("not deleted")
    };
    assert_eq!((deleted.seq, &*deleted.by), (1, "ada"));

    let history = Request::History { room: room(), before: None, after: None, limit: None };
    let Answer::History(page) = bob.ask(history).await else { panic!("no page") };
    assert!(page.messages[0].deleted && page.messages[0].body.is_empty());
    assert!(!page.has_more);
}

#[tokio::test]
async fn typing_reading_and_presence_are_seen() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    ada.say("lobby", "read me").await;
    bob.message().await;
    bob.ask(Request::Typing { room: "lobby".into(), on: true }).await;
    bob.ask(Request::Read { room: "lobby".into(), seq: 1 }).await;
    bob.ask(Request::Presence { status: Status::Dnd }).await;
    ada.message().await;
    let typing = Typing { room: "lobby".into(), user: "bob".into(), on: true };
    assert_eq!(ada.event().await, Event::Typing(typing));
    let read = Read { room: "lobby".into(), user: "bob".into(), seq: 1 };
    assert_eq!(ada.event().await, Event::Read(read));
    let busy = PresenceChanged { user: "bob".into(), status: Status::Dnd, last_seen: None };
    assert_eq!(ada.event().await, Event::Presence(busy));
    bob.close().await;
    let Event::Presence(gone) = ada.event().await else { panic!("no presence") };
    assert_eq!((&*gone.user, gone.status), ("bob", Status::Unavailable));
    assert!(gone.last_seen.is_some());
}

#[tokio::test]
async fn leaving_ends_the_listening_and_not_the_membership() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    bob.ask(Request::Leave { room: "lobby".into() }).await;
    ada.say("lobby", "unheard").await;
    bob.say("lobby", "still a member").await;
    let joined = bob.join("lobby").await;
    assert_eq!(joined.last_seq, 2);
    ada.say("lobby", "heard").await;
    assert_eq!(bob.message().await.body, "heard");
}

#[tokio::test]
async fn what_one_may_not_see_looks_as_if_it_were_not_there() {
    let server = start();
    let (mut ada, mut eve) = (server.client("ada").await, server.client("eve").await);
    server.room("ada", "secret", Kind::Private).await;
    ada.join("secret").await;
    let join = |room: &str| Request::Join { room: room.into(), since: None };
    let hidden = eve.try_ask(join("secret")).await.expect_err("refused");
    let absent = eve.try_ask(join("nowhere")).await.expect_err("refused");
    assert_eq!(hidden, absent);
    assert_eq!(hidden.code, ErrorCode::NotFound);
    assert_eq!(refused(eve.try_ask(say("secret", "x")).await), ErrorCode::NotFound);
    server.room("ada", "open", Kind::Public).await;
    assert_eq!(refused(eve.try_ask(say("open", "x")).await), ErrorCode::Forbidden);
    let history =
        Request::History { room: "secret".into(), before: None, after: None, limit: Some(1) };
    assert_eq!(refused(eve.try_ask(history).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn requests_that_make_no_sense_say_why() {
    let server = start();
    let (mut ada, _bob) = in_the_lobby(&server).await;
    assert_eq!(refused(ada.try_ask(say("Lobby!", "x")).await), ErrorCode::BadRequest);
    assert_eq!(refused(ada.try_ask(say("lobby", "")).await), ErrorCode::BadRequest);
    let long = "x".repeat(server.chat.limits().message_bytes_max + 1);
    assert_eq!(refused(ada.try_ask(say("lobby", &long)).await), ErrorCode::TooLarge);
    for limit in [0, 201] {
        let history = Request::History {
            room: "lobby".into(),
            before: None,
            after: None,
            limit: Some(limit),
        };
        assert_eq!(refused(ada.try_ask(history).await), ErrorCode::BadRequest);
    }
    let edit = Request::Edit { room: "lobby".into(), seq: 9, body: "x".into() };
    assert_eq!(refused(ada.try_ask(edit).await), ErrorCode::NotFound);
}

#[tokio::test]
async fn history_is_read_page_by_page_whatever_the_size_of_its_messages() {
    let server = start();
    let (mut ada, mut bob) = in_the_lobby(&server).await;
    let long = "\"".repeat(server.chat.limits().message_bytes_max);
    for _ in 0..30 {
        ada.say("lobby", &long).await;
    }
    for _ in 0..30 {
        bob.message().await;
    }
    let mut seen = Vec::new();
    let (mut before, mut pages) = (None, 0);
    loop {
        let limit = Some(200);
        let history = Request::History { room: "lobby".into(), before, after: None, limit };
        let Answer::History(page) = bob.ask(history).await else { panic!("no page") };
        pages += 1;
        before = page.messages.first().map(|message| message.seq);
        seen.splice(0..0, page.messages.iter().map(|message| message.seq));
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, (1..=30).collect::<Vec<_>>());
    assert!(pages > 1, "thirty messages of 32 KiB in JSON do not fit into one answer");
}
