//! What holds for every frame and for any bytes.

use bytes::BytesMut;
use campanile_protocol::*;
use proptest::{collection::vec, option, prelude::*};

fn id() -> impl Strategy<Value = RequestId> {
    prop_oneof![
        any::<u64>().prop_map(RequestId::from),
        any::<i64>().prop_map(RequestId::signed),
        ".{0,16}".prop_map(|text| RequestId::text(&text).expect("short enough")),
    ]
}

fn stamp() -> impl Strategy<Value = Stamp> {
    any::<i64>().prop_map(Stamp::from_millis)
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Available),
        Just(Status::Away),
        Just(Status::Dnd),
        Just(Status::Unavailable),
    ]
}

fn seq() -> impl Strategy<Value = u64> {
    any::<u64>()
}

fn flag() -> impl Strategy<Value = bool> {
    any::<bool>()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".*", "[a-z0-9._-]{1,64}"]
}

fn request() -> impl Strategy<Value = Request> {
    let since =
        (any::<u64>(), any::<u64>()).prop_map(|(epoch, seq)| Since { epoch: Epoch(epoch), seq });
    let range = prop_oneof![
        Just((None, None)),
        any::<u64>().prop_map(|seq| (Some(seq), None)),
        any::<u64>().prop_map(|seq| (None, Some(seq))),
    ];
    prop_oneof![
        option::of(text()).prop_map(|token| Request::Hello { token }),
        (text(), option::of(since)).prop_map(|(room, since)| Request::Join { room, since }),
        text().prop_map(|room| Request::Leave { room }),
        (text(), text(), option::of(text()), option::of(seq()))
            .prop_map(|(room, body, key, reply_to)| Request::Send { room, body, key, reply_to }),
        (text(), seq(), text()).prop_map(|(room, seq, body)| Request::Edit { room, seq, body }),
        (text(), seq()).prop_map(|(room, seq)| Request::Delete { room, seq }),
        (text(), seq(), text(), flag()).prop_map(|(room, seq, emoji, on)| Request::React {
            room,
            seq,
            emoji,
            on
        }),
        (text(), flag()).prop_map(|(room, on)| Request::Typing { room, on }),
        (text(), seq()).prop_map(|(room, seq)| Request::Read { room, seq }),
        status().prop_map(|status| Request::Presence { status }),
        (text(), range, option::of(any::<u32>())).prop_map(|(room, (before, after), limit)| {
            Request::History { room, before, after, limit }
        }),
        Just(Request::Ping),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let reaction = (text(), vec(text(), 0..3)).prop_map(|(emoji, users)| Reaction { emoji, users });
    let optional =
        (option::of(text()), option::of(seq()), option::of(stamp()), flag(), vec(reaction, 0..3));
    ((text(), seq(), text(), text(), text(), stamp()), optional).prop_map(
        |(
            (room, seq, message_id, from, body, at),
            (key, reply_to, edited_at, deleted, reactions),
        )| {
            Message {
                room,
                seq,
                message_id,
                from,
                body,
                at,
                key,
                reply_to,
                edited_at,
                deleted,
                reactions,
            }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        message().prop_map(Event::Message),
        (text(), seq(), text(), text(), stamp()).prop_map(|(room, seq, body, by, at)| {
            Event::Edited(Edited { room, seq, body, by, at })
        }),
        (text(), seq(), text(), stamp()).prop_map(|(room, seq, by, at)| Event::Deleted(Deleted {
            room,
            seq,
            by,
            at
        })),
        (text(), seq(), text(), flag(), text(), stamp()).prop_map(
            |(room, seq, emoji, on, by, at)| {
                Event::Reaction(Reacted { room, seq, emoji, on, by, at })
            }
        ),
        (text(), text(), flag()).prop_map(|(room, user, on)| Event::Typing(Typing {
            room,
            user,
            on
        })),
        (text(), text(), seq()).prop_map(|(room, user, seq)| Event::Read(Read { room, user, seq })),
        (text(), status(), option::of(stamp())).prop_map(|(user, status, last_seen)| {
            Event::Presence(PresenceChanged { user, status, last_seen })
        }),
        any::<u64>().prop_map(|after_ms| Event::Draining(Draining { after_ms })),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let member = (text(), status(), option::of(stamp()), seq()).prop_map(
        |(user, status, last_seen, read_seq)| Member {
            user,
            role: Role::Member,
            status,
            last_seen,
            read_seq,
        },
    );
    prop_oneof![
        Just(Answer::DONE),
        (text(), text(), seq()).prop_map(|(user, connection, ping_interval_ms)| {
            Answer::Welcome(Welcome { user, connection, ping_interval_ms })
        }),
        (seq(), text(), stamp(), flag()).prop_map(|(seq, message_id, at, duplicate)| {
            Answer::Sent(SentMessage { seq, message_id, at, duplicate })
        }),
        (vec(message(), 0..3), flag())
            .prop_map(|(messages, has_more)| Answer::History(HistoryPage { messages, has_more })),
        (seq(), seq(), vec(message(), 0..3), flag(), vec(member, 0..3), text()).prop_map(
            |(epoch, last_seq, messages, truncated, members, topic)| {
                Answer::Joined(JoinedRoom {
                    epoch: Epoch(epoch),
                    last_seq,
                    messages,
                    truncated,
                    members,
                    kind: RoomKind::Private,
                    topic,
                })
            }
        ),
    ]
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    let refusal = (text(), option::of(seq())).prop_map(|(message, retry_after_ms)| Refusal {
        code: ErrorCode::Unavailable,
        message,
        retry_after_ms,
    });
    prop_oneof![
        (id(), answer()).prop_map(|(id, answer)| ServerFrame::Ok { id, answer }),
        (option::of(id()), refusal).prop_map(|(id, refusal)| ServerFrame::Error { id, refusal }),
        event().prop_map(ServerFrame::Event),
    ]
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_and_no_panic(bytes in vec(any::<u8>(), 0..512)) {
        let _ = JsonV1.decode_request(&bytes);
        let _ = JsonV1.decode(&bytes);
    }

    #[test]
    fn nearly_requests_give_an_answer_and_no_panic(
        frame in request(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = BytesMut::new();
        JsonV1.encode_request(&RequestFrame { id: 7.into(), request: frame }, &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = JsonV1.decode_request(&bytes);
        let _ = JsonV1.decode_request(&bytes[..at]);
    }

    #[test]
    fn a_server_reads_what_a_client_writes(id in id(), request in request()) {
        let frame = RequestFrame { id, request };
        let mut bytes = BytesMut::new();
        JsonV1.encode_request(&frame, &mut bytes);
        prop_assert_eq!(JsonV1.decode_request(&bytes), Ok(frame));
    }

    #[test]
    fn a_client_reads_what_a_server_writes(frame in server_frame()) {
        let mut bytes = BytesMut::new();
        JsonV1.encode(&frame, &mut bytes);
        prop_assert_eq!(JsonV1.decode(&bytes).unwrap(), frame);
    }
}
