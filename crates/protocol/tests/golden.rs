//! Every frame, as it stands on the wire. A change here breaks clients.

use bytes::BytesMut;
use campanile_protocol::*;

const AT: &str = "2026-11-21T10:00:00.000Z";

fn at() -> Stamp {
    AT.parse().expect("well-formed")
}

#[track_caller]
fn check_request(text: &str, request: Request) {
    let frame = RequestFrame { id: 7.into(), request };
    assert_eq!(JsonV1.decode_request(text.as_bytes()).as_ref(), Ok(&frame), "reading {text}");
    let mut written = BytesMut::new();
    JsonV1.encode_request(&frame, &mut written);
    let written: serde_json::Value = serde_json::from_slice(&written).expect("well-formed");
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).expect("well-formed"));
}

#[track_caller]
fn check_server_frame(text: &str, frame: ServerFrame) {
    let mut written = BytesMut::new();
    JsonV1.encode(&frame, &mut written);
    assert_eq!(std::str::from_utf8(&written).expect("well-formed"), text);
    assert_eq!(JsonV1.decode(text.as_bytes()).expect("well-formed"), frame, "reading {text}");
}

#[track_caller]
fn check_answer(data: &str, answer: Answer) {
    let text = format!(r#"{{"op":"ok","id":7,"data":{data}}}"#);
    check_server_frame(&text, ServerFrame::Ok { id: 7.into(), answer });
}

#[track_caller]
fn check_event(text: &str, event: Event) {
    check_server_frame(text, ServerFrame::Event(event));
}

#[test]
fn requests_about_the_connection() {
    check_request(
        r#"{"op":"hello","id":7,"token":"secret"}"#,
        Request::Hello { token: Some("secret".into()) },
    );
    check_request(r#"{"op":"hello","id":7}"#, Request::Hello { token: None });
    check_request(r#"{"op":"ping","id":7}"#, Request::Ping);
    for (word, status) in [
        ("available", Status::Available),
        ("away", Status::Away),
        ("dnd", Status::Dnd),
        ("unavailable", Status::Unavailable),
    ] {
        check_request(
            &format!(r#"{{"op":"presence","id":7,"status":"{word}"}}"#),
            Request::Presence { status },
        );
    }
}

#[test]
fn requests_about_rooms() {
    let room = || "lobby".to_owned();
    check_request(
        r#"{"op":"join","id":7,"room":"lobby"}"#,
        Request::Join { room: room(), since: None },
    );
    check_request(
        r#"{"op":"join","id":7,"room":"lobby","since":{"epoch":"00000000000000ab","seq":41}}"#,
        Request::Join { room: room(), since: Some(Since { epoch: Epoch(0xab), seq: 41 }) },
    );
    check_request(r#"{"op":"leave","id":7,"room":"lobby"}"#, Request::Leave { room: room() });
    check_request(
        r#"{"op":"typing","id":7,"room":"lobby","on":false}"#,
        Request::Typing { room: room(), on: false },
    );
    check_request(
        r#"{"op":"read","id":7,"room":"lobby","seq":41}"#,
        Request::Read { room: room(), seq: 41 },
    );
    check_request(
        r#"{"op":"history","id":7,"room":"lobby","before":41,"limit":50}"#,
        Request::History { room: room(), before: Some(41), after: None, limit: Some(50) },
    );
    check_request(
        r#"{"op":"history","id":7,"room":"lobby","after":41}"#,
        Request::History { room: room(), before: None, after: Some(41), limit: None },
    );
}

#[test]
fn requests_about_messages() {
    let room = || "lobby".to_owned();
    check_request(
        r#"{"op":"send","id":7,"room":"lobby","body":"hi"}"#,
        Request::Send { room: room(), body: "hi".into(), key: None, reply_to: None },
    );
    check_request(
        r#"{"op":"send","id":7,"room":"lobby","body":"hi","key":"k1","reply_to":41}"#,
        Request::Send {
            room: room(),
            body: "hi".into(),
            key: Some("k1".into()),
            reply_to: Some(41),
        },
    );
    check_request(
        r#"{"op":"edit","id":7,"room":"lobby","seq":41,"body":"ho"}"#,
        Request::Edit { room: room(), seq: 41, body: "ho".into() },
    );
    check_request(
        r#"{"op":"delete","id":7,"room":"lobby","seq":41}"#,
        Request::Delete { room: room(), seq: 41 },
    );
    check_request(
        r#"{"op":"react","id":7,"room":"lobby","seq":41,"emoji":"👍","on":true}"#,
        Request::React { room: room(), seq: 41, emoji: "👍".into(), on: true },
    );
}

#[test]
fn answers() {
    check_answer("{}", Answer::DONE);
    check_answer(
        r#"{"user":"ada","connection":"00c0ffee","ping_interval_ms":25000}"#,
        Answer::Welcome(Welcome {
            user: "ada".into(),
            connection: "00c0ffee".into(),
            ping_interval_ms: 25_000,
        }),
    );
    check_answer(
        &format!(
            r#"{{"seq":42,"message_id":"00000000000000ab-42","at":"{AT}","duplicate":false}}"#
        ),
        Answer::Sent(SentMessage {
            seq: 42,
            message_id: Message::id(Epoch(0xab), 42),
            at: at(),
            duplicate: false,
        }),
    );
    check_answer(
        r#"{"messages":[],"has_more":true}"#,
        Answer::History(HistoryPage { messages: vec![], has_more: true }),
    );
}

#[test]
fn the_answer_to_a_join() {
    check_answer(
        &[
            r#"{"epoch":"00000000000000ab","last_seq":42,"messages":[],"truncated":true,"members":["#,
            r#"{"user":"ada","role":"owner","status":"available","read_seq":42},"#,
            r#"{"user":"bob","role":"member","status":"unavailable","last_seen":""#,
            AT,
            r#"","read_seq":0}],"kind":"public","topic":"bells"}"#,
        ]
        .concat(),
        Answer::Joined(JoinedRoom {
            epoch: Epoch(0xab),
            last_seq: 42,
            messages: vec![],
            truncated: true,
            members: vec![
                Member {
                    user: "ada".into(),
                    role: Role::Owner,
                    status: Status::Available,
                    last_seen: None,
                    read_seq: 42,
                },
                Member {
                    user: "bob".into(),
                    role: Role::Member,
                    status: Status::Unavailable,
                    last_seen: Some(at()),
                    read_seq: 0,
                },
            ],
            kind: RoomKind::Public,
            topic: "bells".into(),
        }),
    );
}

#[test]
fn refusals() {
    check_server_frame(
        r#"{"op":"error","id":7,"code":"rate_limited","message":"wait","retry_after_ms":400}"#,
        ServerFrame::Error {
            id: Some(7.into()),
            refusal: Refusal {
                code: ErrorCode::RateLimited,
                message: "wait".into(),
                retry_after_ms: Some(400),
            },
        },
    );
    for (word, code) in [
        ("bad_request", ErrorCode::BadRequest),
        ("unauthenticated", ErrorCode::Unauthenticated),
        ("forbidden", ErrorCode::Forbidden),
        ("not_found", ErrorCode::NotFound),
        ("conflict", ErrorCode::Conflict),
        ("too_large", ErrorCode::TooLarge),
        ("unavailable", ErrorCode::Unavailable),
        ("internal", ErrorCode::Internal),
    ] {
        check_server_frame(
            &format!(r#"{{"op":"error","id":null,"code":"{word}","message":"no"}}"#),
            ServerFrame::Error {
                id: None,
                refusal: Refusal { code, message: "no".into(), retry_after_ms: None },
            },
        );
    }
}

#[test]
fn a_message_event() {
    let plain = Message {
        room: "lobby".into(),
        seq: 42,
        message_id: "00000000000000ab-42".into(),
        from: "ada".into(),
        body: "hi".into(),
        at: at(),
        key: None,
        reply_to: None,
        edited_at: None,
        deleted: false,
        reactions: vec![],
    };
    let head = r#"{"op":"message","room":"lobby","seq":42,"message_id":"00000000000000ab-42","#;
    check_event(
        &format!(r#"{head}"from":"ada","body":"hi","at":"{AT}"}}"#),
        Event::Message(plain.clone()),
    );
    check_event(
        &format!(
            r#"{head}"from":"ada","body":"hi","at":"{AT}","key":"k1","reply_to":41,"edited_at":"{AT}","deleted":true,"reactions":[{{"emoji":"👍","users":["bob"]}}]}}"#
        ),
        Event::Message(Message {
            key: Some("k1".into()),
            reply_to: Some(41),
            edited_at: Some(at()),
            deleted: true,
            reactions: vec![Reaction { emoji: "👍".into(), users: vec!["bob".into()] }],
            ..plain
        }),
    );
}

#[test]
fn events_about_messages() {
    let (room, by) = ("lobby".to_owned(), "ada".to_owned());
    check_event(
        &format!(r#"{{"op":"edited","room":"lobby","seq":1,"body":"ho","by":"ada","at":"{AT}"}}"#),
        Event::Edited(Edited {
            room: room.clone(),
            seq: 1,
            body: "ho".into(),
            by: by.clone(),
            at: at(),
        }),
    );
    check_event(
        &format!(r#"{{"op":"deleted","room":"lobby","seq":1,"by":"ada","at":"{AT}"}}"#),
        Event::Deleted(Deleted { room: room.clone(), seq: 1, by: by.clone(), at: at() }),
    );
    check_event(
        &format!(
            r#"{{"op":"reaction","room":"lobby","seq":1,"emoji":"👍","on":true,"by":"ada","at":"{AT}"}}"#
        ),
        Event::Reaction(Reacted { room, seq: 1, emoji: "👍".into(), on: true, by, at: at() }),
    );
}

#[test]
fn events_about_people() {
    let (room, user) = ("lobby".to_owned(), "ada".to_owned());
    check_event(
        r#"{"op":"typing","room":"lobby","user":"ada","on":true}"#,
        Event::Typing(Typing { room: room.clone(), user: user.clone(), on: true }),
    );
    check_event(
        r#"{"op":"read","room":"lobby","user":"ada","seq":42}"#,
        Event::Read(Read { room: room.clone(), user: user.clone(), seq: 42 }),
    );
    check_event(
        &format!(r#"{{"op":"presence","user":"ada","status":"unavailable","last_seen":"{AT}"}}"#),
        Event::Presence(PresenceChanged {
            user: user.clone(),
            status: Status::Unavailable,
            last_seen: Some(at()),
        }),
    );
    check_event(
        r#"{"op":"joined","room":"lobby","user":"ada","role":"member"}"#,
        Event::Joined(Joined { room: room.clone(), user: user.clone(), role: Role::Member }),
    );
    for (word, reason) in [
        ("left", LeaveReason::Left),
        ("removed", LeaveReason::Removed),
        ("room_deleted", LeaveReason::RoomDeleted),
    ] {
        check_event(
            &format!(r#"{{"op":"left","room":"lobby","user":"ada","reason":"{word}"}}"#),
            Event::Left(Left { room: room.clone(), user: user.clone(), reason }),
        );
    }
}

#[test]
fn events_about_the_line() {
    for (word, reason) in [("gap", ResyncReason::Gap), ("epoch", ResyncReason::Epoch)] {
        check_event(
            &format!(r#"{{"op":"resync","room":"lobby","reason":"{word}"}}"#),
            Event::Resync(Resync { room: "lobby".into(), reason }),
        );
    }
    check_event(
        r#"{"op":"draining","after_ms":30000}"#,
        Event::Draining(Draining { after_ms: 30_000 }),
    );
}
