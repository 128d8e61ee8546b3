//! How connections are refused, and how they end.

use crate::{
    client::{Client, Heard, Raw, say},
    server::{Server, Setup, eventually, start, start_with},
};
use campanile_core::{
    limits::{Limits, Rate, Rates},
    name::UserName,
    port::AccountChange,
    room::RoomKind as Kind,
    user::PasswordHash,
};
use campanile_protocol::*;
use campanile_server::token;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;

const REJECTED: &str = "chat_connections_rejected_total";
const CLOSED: &str = "chat_connections_closed_total";
const LIMITED: &str = "chat_rate_limit_rejections_total";

fn reason(reason: &str) -> [(&str, &str); 2] {
    [("transport", "websocket"), ("reason", reason)]
}

/// The status and the `Retry-After` of a refused handshake.
fn turned_away(refused: Result<Client, tungstenite::Error>) -> (u16, bool) {
    match refused {
        Err(tungstenite::Error::Http(response)) => {
            (response.status().as_u16(), response.headers().contains_key("retry-after"))
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was let in"),
    }
}

/// A setup whose patience a test can wait for.
fn impatient(change: impl FnOnce(&mut Setup)) -> Server {
    let mut setup = Setup::default();
    change(&mut setup);
    start_with(setup)
}

/// A setup with these rates, and else the usual ones.
fn limited(change: impl FnOnce(&mut Rates)) -> Server {
    let mut rates = Rates::default();
    change(&mut rates);
    impatient(|setup| setup.limits = Limits { rates: Some(rates), ..Limits::default() })
}

#[tokio::test]
async fn who_does_not_say_hello_in_time_is_closed_with_1008() {
    let server = impatient(|setup| {
        setup.ws.patience.authentication = Duration::from_millis(300);
    });
    let started = Instant::now();
    let mut client = Client::connect(server.address).await;
    assert_eq!(client.close_code().await, Some(1008));
    assert!(started.elapsed() >= Duration::from_millis(300));
    server.counts(CLOSED, &reason("policy"), 1.0).await;
}

#[tokio::test]
async fn logging_out_a_new_password_and_a_ban_close_within_two_seconds() {
    let server = start();
    let ada = UserName::parse("ada").expect("a name");
    let token = server.user("ada").await;
    let mut here = Client::hello(server.address, &token).await;
    let other = server.session("ada").await;
    let mut there = Client::hello(server.address, &other).await;
    let started = Instant::now();

    server.chat.log_out(token::hash(&token)).await.expect("no fault");
    assert_eq!(here.close_code().await, Some(1008));
    assert_eq!(there.ask(Request::Ping).await, Answer::DONE, "another session goes on");

    let password = AccountChange::Password(PasswordHash("new".into()));
    server.chat.change_account(&ada, password).await.expect("no fault");
    assert_eq!(there.close_code().await, Some(1008));

    let mut again = Client::hello(server.address, &server.session("ada").await).await;
    server.chat.change_account(&ada, AccountChange::Banned(true)).await.expect("no fault");
    assert_eq!(again.close_code().await, Some(1008));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    server.counts(CLOSED, &reason("auth_expired"), 2.0).await;
    server.counts(CLOSED, &reason("policy"), 1.0).await;
}

#[tokio::test]
async fn who_does_not_answer_the_closing_frame_is_gone_within_two_seconds_too() {
    let server = start();
    let token = server.user("ada").await;
    let mut raw = Raw::connect(server.address).await;
    let hello = format!(r#"{{"op":"hello","id":1,"token":"{token}"}}"#);
    raw.write_frame(0x81, hello.as_bytes()).await;
    server.counts("chat_users_online", &[("app", "native")], 1.0).await;
    let started = Instant::now();
    server.chat.log_out(token::hash(&token)).await.expect("no fault");
    assert_eq!(raw.close_code().await, 1008);
    raw.gone().await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_session_that_expires_closes_its_connections() {
    let server = start();
    server.user("ada").await;
    let token = server.session_for("ada", Duration::from_millis(1_500)).await;
    let mut client = Client::hello(server.address, &token).await;
    assert_eq!(client.close_code().await, Some(1008));
    server.counts(CLOSED, &reason("auth_expired"), 1.0).await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_turned_away() {
    let server = impatient(|setup| {
        setup.ws.allowed_origins = vec!["https://friend.example".into()];
    });
    let own = format!("http://{}", server.address);
    for (origin, let_in) in [
        (&*own, true),
        ("https://friend.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let client = Client::try_connect(server.address, &[("origin", origin)]).await;
        match let_in {
            true => drop(client.expect("let in")),
            false => assert_eq!(turned_away(client), (403, false), "{origin}"),
        }
    }
    server.counts(REJECTED, &reason("origin"), 2.0).await;
}

#[tokio::test]
async fn a_wrong_token_on_the_upgrade_is_turned_away() {
    let server = start();
    let headers = [("authorization", "Bearer wrong")];
    assert_eq!(turned_away(Client::try_connect(server.address, &headers).await), (401, false));
    server.counts(REJECTED, &reason("auth"), 1.0).await;
}

#[tokio::test]
async fn a_full_node_says_when_to_come_back() {
    let server = impatient(|setup| setup.connections_max = 1);
    let first = Client::connect(server.address).await;
    assert_eq!(turned_away(Client::try_connect(server.address, &[]).await), (503, true));
    server.counts(REJECTED, &reason("limit"), 1.0).await;
    first.close().await;
    eventually("its place is free", || match server.lobby.connections() {
        0 => Ok(()),
        taken => Err(taken),
    })
    .await;
    Client::connect(server.address).await;
}

#[tokio::test]
async fn who_connects_too_often_says_it_to_its_own_address_only() {
    let server = limited(|rates| {
        rates.connections_per_address = Rate::new(0.001, 2);
        rates.requests_per_connection = Rate::new(0.001, 3);
    });
    let token = server.user("ada").await;
    let mut first = Client::hello(server.address, &token).await;
    let _second = Client::connect(server.address).await;
    assert_eq!(turned_away(Client::try_connect(server.address, &[]).await), (429, true));
    server.counts(REJECTED, &reason("quota"), 1.0).await;

    for _ in 0..2 {
        first.ask(Request::Ping).await;
    }
    let refusal = first.try_ask(Request::Ping).await.expect_err("the fourth request");
    assert_eq!(refusal.code, ErrorCode::RateLimited);
    assert!(refusal.retry_after_ms > Some(900_000), "{refusal:?}");
    let limited = [("limiter", "message"), ("context", "ip")];
    server.counts(LIMITED, &limited, 1.0).await;
}

#[tokio::test]
async fn a_node_takes_so_many_new_connections_at_once_from_everybody_together() {
    let server = limited(|rates| rates.connections_per_node = Rate::new(0.001, 2));
    let _let_in = [Client::connect(server.address).await, Client::connect(server.address).await];
    assert_eq!(turned_away(Client::try_connect(server.address, &[]).await), (503, true));
    server.counts(REJECTED, &reason("limit"), 1.0).await;
    let limited = [("limiter", "connection"), ("context", "global")];
    server.counts(LIMITED, &limited, 1.0).await;
    assert_eq!(server.probe().sum(LIMITED), 1.0);
}

#[tokio::test]
async fn what_a_user_says_is_limited_over_all_its_connections() {
    let server = limited(|rates| rates.messages_per_user = Rate::new(0.001, 1));
    let token = server.user("ada").await;
    server.room("ada", "lobby", Kind::Public).await;
    let mut here = Client::hello(server.address, &token).await;
    let mut there = Client::hello(server.address, &token).await;
    here.say("lobby", "one").await;
    let refusal = there.try_ask(say("lobby", "two")).await.expect_err("too soon");
    assert_eq!(refusal.code, ErrorCode::RateLimited);
    assert!(refusal.retry_after_ms > Some(900_000), "{refusal:?}");
    server.counts(LIMITED, &[("limiter", "message"), ("context", "user")], 1.0).await;
    assert_eq!(server.probe().sum(LIMITED), 1.0);
    let mut bob = Client::hello(server.address, &server.user("bob").await).await;
    bob.join("lobby").await;
    assert_eq!(bob.say("lobby", "two").await.seq, 2, "what was refused has no number");
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_no_more() {
    let server = impatient(|setup| setup.limits.connections_per_user_max = 1);
    let token = server.user("ada").await;
    let _first = Client::hello(server.address, &token).await;
    let mut second = Client::connect(server.address).await;
    let hello = Request::Hello { token: Some(token.clone()) };
    let refusal = second.try_ask(hello).await.expect_err("one too many");
    assert_eq!(refusal.code, ErrorCode::RateLimited);
    let bearer = format!("Bearer {token}");
    let third = Client::try_connect(server.address, &[("authorization", &bearer)]).await;
    assert_eq!(turned_away(third), (429, true));
    server.counts(REJECTED, &reason("quota"), 2.0).await;
}

#[tokio::test]
async fn who_answers_no_ping_is_closed() {
    let server = impatient(|setup| {
        setup.ws.patience.ping_interval = Duration::from_millis(100);
        setup.ws.patience.ping = Duration::from_millis(200);
        setup.ws.patience.closing = Duration::from_millis(200);
    });
    // It is not read from, so its library answers no ping.
    let _silent = server.client("ada").await;
    server.counts(CLOSED, &reason("ping_timeout"), 1.0).await;
}

#[tokio::test]
async fn who_only_answers_pings_is_closed_in_the_end() {
    let server = impatient(|setup| {
        setup.ws.patience.ping_interval = Duration::from_millis(100);
        setup.ws.patience.idle = Duration::from_millis(700);
    });
    let mut idle = server.client("ada").await;
    assert_eq!(idle.close_code().await, Some(1008));
    server.counts(CLOSED, &reason("idle_timeout"), 1.0).await;
}

#[tokio::test]
async fn draining_says_so_first_and_spreads_the_closes() {
    const CLIENTS: usize = 20;
    let over = Duration::from_millis(1_500);
    let server = start();
    let token = server.user("ada").await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::hello(server.address, &token).await);
    }
    let lobby = server.lobby.clone();
    let started = Instant::now();
    let drain = tokio::spawn(async move { lobby.drain(over).await });
    let watchers = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            let Event::Draining(draining) = client.event().await else { panic!("not told") };
            let left = Duration::from_millis(draining.after_ms);
            assert!(left <= over);
            // One whose turn is at once may not be asked in time.
            if left > over / 2 {
                assert_eq!(client.ask(Request::Ping).await, Answer::DONE, "served until its turn");
            }
            assert_eq!(client.close_code().await, Some(1001));
            started.elapsed()
        })
    });
    let mut ends = Vec::new();
    for watcher in watchers.collect::<Vec<_>>() {
        ends.push(watcher.await.expect("it does not panic"));
    }
    drain.await.expect("the last has gone");
    assert_eq!(turned_away(Client::try_connect(server.address, &[]).await), (503, true));
    server.counts(REJECTED, &reason("draining"), 1.0).await;
    server.counts(CLOSED, &reason("server_shutdown"), CLIENTS as f64).await;
    ends.sort();
    assert!(ends[CLIENTS - 1] < over + Duration::from_secs(2), "{ends:?}");
    let early = ends.iter().filter(|end| **end < over / 2).count();
    assert!((1..CLIENTS).contains(&early), "not all at once: {ends:?}");
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_and_nobody_else_waits() {
    let server = start();
    let mut slow = server.client("slow").await;
    let mut ada = server.client("ada").await;
    let mut bob = server.client("bob").await;
    server.room("ada", "lobby", Kind::Public).await;
    for client in [&mut slow, &mut ada, &mut bob] {
        client.join("lobby").await;
    }
    let body = "x".repeat(16 * 1024);
    let slow_consumers = [("transport", "websocket")];
    let mut longest = Duration::ZERO;
    while server.count("chat_connection_slow_consumers_total", &slow_consumers) == 0.0 {
        let started = Instant::now();
        let sent = ada.say("lobby", &body).await;
        while bob.message().await.seq < sent.seq {}
        ada.message().await;
        longest = longest.max(started.elapsed());
        assert!(sent.seq < 2_000, "the slow reader was never cut");
    }
    assert!(longest < Duration::from_secs(2), "somebody waited {longest:?}");
    let mut last = 0;
    let code = loop {
        match slow.hear().await {
            Heard::Frame(ServerFrame::Event(Event::Message(message))) => {
                assert_eq!(message.seq, last + 1, "what it got has no gap");
                last = message.seq;
            }
            Heard::Frame(_) => {}
            Heard::Closed(code) => break code,
            Heard::Gone => panic!("cut without a word"),
        }
    };
    assert_eq!(code, Some(1013));
    server.counts(CLOSED, &reason("slow_consumer"), 1.0).await;

    let mut back = Client::hello(server.address, &server.session("slow").await).await;
    let epoch = ada.join("lobby").await.epoch;
    let joined = back.join_since("lobby", Some(Since { epoch, seq: last })).await;
    let missed = joined.truncated || joined.messages.first().is_none_or(|one| one.seq == last + 1);
    assert!(missed, "it resumes where it was cut");
    ada.ask(say("lobby", "heard again")).await;
    assert_eq!(back.message().await.body, "heard again");
}
