//! What a server does with frames that are wrong, strange, or too large.

use crate::{
    client::{Client, DEADLINE, Raw, masked},
    server::start,
};
use campanile_core::room::RoomKind as Kind;
use campanile_protocol::*;
use tokio::{net::TcpStream, time::timeout};

/// Sends these bytes after the handshake; the code with which the server closes. The network
/// connection has to end with it.
async fn closed_for(frames: &[Vec<u8>]) -> u16 {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    for frame in frames {
        raw.write(frame).await;
    }
    let code = raw.close_code().await;
    raw.gone().await;
    code
}

/// The header of a masked frame that announces so many bytes, and none of them.
fn announcing(bytes: u64) -> Vec<u8> {
    let mut header = vec![0x81, 0x80 | 127];
    header.extend(bytes.to_be_bytes());
    header.extend([0; 4]);
    header
}

#[tokio::test]
async fn a_length_is_refused_when_it_is_announced() {
    for bytes in [FRAME_BYTES_MAX as u64 + 1, 1 << 40, u64::MAX] {
        assert_eq!(closed_for(&[announcing(bytes)]).await, 1009, "{bytes}");
    }
}

#[tokio::test]
async fn why_it_was_closed_reaches_a_client_that_goes_on_sending() {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    raw.write(&announcing(1 << 40)).await;
    let (mut reader, mut writer) = raw.stream.into_split();
    let sender = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while writer.write_all(&[0x78; 64 * 1024]).await.is_ok() {}
    });
    let mut close = [0; 4];
    let read = tokio::io::AsyncReadExt::read_exact(&mut reader, &mut close).await;
    read.expect("the closing frame is not lost");
    assert_eq!(close, [0x88, 2, 0x03, 0xf1]);
    sender.await.expect("the server ends the connection");
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    raw.write_frame(0x01, br#"{"op":"ping","#).await;
    raw.write_frame(0x89, b"in between").await;
    raw.write_frame(0x80, br#""id":"f"}"#).await;
    let mut heard = [0; 12];
    let read = tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut heard).await;
    read.expect("the pong");
    assert_eq!(heard[..], *b"\x8a\x0ain between");
    is_answered(&mut raw).await;
}

/// The request with the id `f` was read, and is refused for another reason.
async fn is_answered(raw: &mut Raw) {
    let mut heard = vec![0; 2 + 67];
    let read = tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut heard).await;
    read.expect("the answer");
    let text = String::from_utf8_lossy(&heard[4..]);
    assert!(text.contains(r#""id":"f","code":"unauthenticated""#), "{text}");
}

/// That request in so many bytes.
fn request_of(bytes: usize) -> Vec<u8> {
    let mut text = br#"{"op":"ping","id":"f"}"#.to_vec();
    assert!(text.len() <= bytes);
    text.resize(bytes, b' ');
    text
}

#[tokio::test]
async fn what_is_exactly_as_large_as_allowed_is_taken() {
    assert_eq!((FRAME_BYTES_MAX, FRAGMENTS_MAX), (65_536, 64), "as the documents say");
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    raw.write_frame(0x81, &request_of(FRAME_BYTES_MAX)).await;
    is_answered(&mut raw).await;

    let mut raw = Raw::connect(server.address).await;
    let whole = request_of(FRAME_BYTES_MAX);
    for (number, part) in whole.chunks(FRAME_BYTES_MAX / FRAGMENTS_MAX).enumerate() {
        let opcode = if number == 0 { 0x01 } else { 0x00 };
        let end = if number + 1 == FRAGMENTS_MAX { 0x80 } else { 0x00 };
        raw.write_frame(opcode | end, part).await;
    }
    is_answered(&mut raw).await;
}

#[tokio::test]
async fn fragments_are_counted_and_added_up() {
    let mut many = vec![masked(0x01, b"x")];
    many.extend(vec![masked(0x00, b"x"); FRAGMENTS_MAX]);
    assert_eq!(closed_for(&many).await, 1009);
    let half = vec![b'x'; FRAME_BYTES_MAX / 2 + 1];
    assert_eq!(closed_for(&[masked(0x01, &half), masked(0x80, &half)]).await, 1009);
}

#[tokio::test]
async fn broken_frames_are_closed_with_what_is_wrong_with_them() {
    let cases: [(&str, &[u8], u16); 8] = [
        ("not masked", b"\x81\x02{}", 1002),
        ("reserved bit", b"\xc1\x80\x01\x02\x03\x04", 1002),
        ("reserved opcode", b"\x83\x80\x01\x02\x03\x04", 1002),
        ("continues nothing", b"\x80\x80\x01\x02\x03\x04", 1002),
        ("ping in fragments", b"\x09\x80\x01\x02\x03\x04", 1002),
        ("long ping", b"\x89\xfe\x00\x7e\x01\x02\x03\x04", 1002),
        ("binary", b"\x82\x80\x01\x02\x03\x04", 1002),
        ("close with half a code", b"\x88\x81\x00\x00\x00\x00\x03", 1002),
    ];
    for (what, bytes, code) in cases {
        let bytes = [bytes, &[0; 256]].concat();
        assert_eq!(closed_for(&[bytes]).await, code, "{what}");
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_closed_with_1007() {
    assert_eq!(closed_for(&[masked(0x81, b"{\"op\":\"\xff\"}")]).await, 1007);
    let split = [masked(0x01, b"\xe2\x82"), masked(0x80, b"x")];
    assert_eq!(closed_for(&split).await, 1007);
}

#[tokio::test]
async fn what_came_before_a_broken_frame_is_answered() {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    let ping = masked(0x81, br#"{"op":"ping","id":1}"#);
    raw.write(&[ping, announcing(1 << 40)].concat()).await;
    let first = tokio::io::AsyncReadExt::read_u8(&mut raw.stream).await;
    assert_eq!(first.expect("the answer"), 0x81);
}

#[tokio::test]
async fn a_code_is_said_back() {
    for code in [1000_u16, 1001, 3000, 4999] {
        assert_eq!(closed_for(&[masked(0x88, &code.to_be_bytes())]).await, code);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_leaves_the_connection_open() {
    let server = start();
    let mut ada = server.client("ada").await;
    for (text, id) in [
        ("not JSON", None),
        (r#"{"op":"shout","id":9}"#, Some(9.into())),
        (r#"{"op":"ping","id":"x","loud":1}"#, RequestId::text("x")),
    ] {
        ada.send_text(text).await;
        let ServerFrame::Error { id: said, refusal } = ada.frame().await else { panic!("{text}") };
        assert_eq!((said, refusal.code), (id, ErrorCode::BadRequest), "{text}");
    }
    assert_eq!(ada.ask(Request::Ping).await, Answer::DONE);
}

#[tokio::test]
async fn nothing_is_done_for_somebody_unknown() {
    let server = start();
    let token = server.user("ada").await;
    server.room("ada", "lobby", Kind::Public).await;
    let mut client = Client::connect(server.address).await;
    let join = Request::Join { room: "lobby".into(), since: None };
    for request in [Request::Ping, join, Request::Hello { token: None }] {
        let refusal = client.try_ask(request).await.expect_err("refused");
        assert_eq!(refusal.code, ErrorCode::Unauthenticated);
    }
    let wrong = Request::Hello { token: Some("wrong".into()) };
    let refusal = client.try_ask(wrong).await.expect_err("refused");
    assert_eq!(refusal.code, ErrorCode::Unauthenticated);
    let hello = Request::Hello { token: Some(token.clone()) };
    let Answer::Welcome(welcome) = client.ask(hello.clone()).await else { panic!("no welcome") };
    assert_eq!((&*welcome.user, welcome.ping_interval_ms), ("ada", 25_000));
    assert_eq!(client.ask(hello).await, Answer::Welcome(welcome.clone()), "and again");
    let other = Request::Hello { token: Some(server.user("bob").await) };
    let refusal = client.try_ask(other).await.expect_err("refused");
    assert_eq!(refusal.code, ErrorCode::Conflict);
    client.join("lobby").await;
}

#[tokio::test]
async fn a_bearer_on_the_upgrade_makes_hello_optional() {
    let server = start();
    let token = server.user("ada").await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer), ("sec-websocket-protocol", SUBPROTOCOL)];
    let mut client = Client::try_connect(server.address, &headers).await.expect("taken");
    assert_eq!(client.ask(Request::Ping).await, Answer::DONE);
    let hello = Request::Hello { token: None };
    let Answer::Welcome(welcome) = client.ask(hello).await else { panic!("no welcome") };
    assert_eq!(welcome.user, "ada");
}

#[tokio::test]
async fn pings_of_the_client_are_answered_with_what_they_carry() {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    raw.write_frame(0x89, b"are you there").await;
    let mut pong = [0; 15];
    let read = tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut pong).await;
    read.expect("the pong");
    assert_eq!(pong[..], *b"\x8a\x0dare you there");
}

#[tokio::test]
async fn a_client_that_asks_more_than_it_reads_is_waited_for() {
    let server = start();
    let mut ada = server.client("ada").await;
    server.room("ada", "lobby", Kind::Public).await;
    ada.join("lobby").await;
    for _ in 0..20 {
        ada.say("lobby", &"x".repeat(16 * 1024)).await;
    }
    let history =
        || Request::History { room: "lobby".into(), before: None, after: None, limit: None };
    let mut asked = Vec::new();
    for _ in 0..50 {
        asked.push(ada.send(history()).await);
    }
    for id in asked {
        let Ok(Answer::History(page)) = ada.answer(id).await else { panic!("no page") };
        assert_eq!(page.messages.len(), 20, "sixteen megabytes, through an outbox of one");
    }
    assert_eq!(ada.ask(Request::Ping).await, Answer::DONE);
}

#[tokio::test]
async fn what_a_handshake_that_came_in_chunks_is_answered_is_bare_frames() {
    let server = start();
    let stream = TcpStream::connect(server.address).await.expect("the server listens");
    let mut raw = Raw::over(stream, "Transfer-Encoding: chunked\r\n").await;
    let ping = masked(0x89, b"7");
    raw.write(&[format!("{:x}\r\n", ping.len()).as_bytes(), &ping, b"\r\n"].concat()).await;
    let mut pong = [0; 3];
    let read = tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut pong);
    timeout(DEADLINE, read).await.expect("in time").expect("an answer");
    assert_eq!(pong, [0x8a, 1, b'7']);
}
