//! Both ends of a short conversation, without a network: what travels, and what it means.

use bytes::BytesMut;
use campanile_protocol::{
    Answer, Codec, Epoch, Event, JsonV1, Message, Refusal, Request, RequestFrame, SentMessage,
    ServerFrame, Stamp,
};

fn main() {
    let codec = JsonV1;
    let request = Request::Send {
        room: "lobby".into(),
        body: "The bells ring at noon.".into(),
        key: Some("k1".into()),
        reply_to: None,
    };
    let mut line = BytesMut::new();
    codec.encode_request(&RequestFrame { id: 7.into(), request }, &mut line);
    show("client", &line);

    for frame in serve(&codec, &line) {
        let mut line = BytesMut::new();
        codec.encode(&frame, &mut line);
        show("server", &line);
        assert_eq!(codec.decode(&line).expect("a client reads what a server writes"), frame);
    }
}

/// A server that stores nothing: it answers, and tells everyone.
fn serve(codec: &JsonV1, line: &[u8]) -> Vec<ServerFrame> {
    let frame = match codec.decode_request(line) {
        Ok(frame) => frame,
        Err(bad) => {
            let code = campanile_protocol::ErrorCode::BadRequest;
            let refusal = Refusal { code, message: bad.message, retry_after_ms: None };
            return vec![ServerFrame::Error { id: bad.id, refusal }];
        }
    };
    let Request::Send { room, body, key, reply_to } = frame.request else {
        return vec![ServerFrame::Ok { id: frame.id, answer: Answer::DONE }];
    };
    let (seq, at) = (1, Stamp::from_millis(1_795_255_200_000));
    let message_id = Message::id(Epoch(0xca4a_411e), seq);
    let message = Message {
        room,
        seq,
        message_id: message_id.clone(),
        from: "ada".into(),
        body,
        at,
        key,
        reply_to,
        edited_at: None,
        deleted: false,
        reactions: vec![],
    };
    let sent = SentMessage { seq, message_id, at, duplicate: false };
    vec![
        ServerFrame::Ok { id: frame.id, answer: Answer::Sent(sent) },
        ServerFrame::Event(Event::Message(message)),
    ]
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn show(who: &str, line: &[u8]) {
    println!("{who}: {}", String::from_utf8_lossy(line));
}
