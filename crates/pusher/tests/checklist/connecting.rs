//! Section 1 and 2: what a connection begins with, and how it is kept.

use super::*;

#[test]
fn line_1_2_protocols_5_6_and_7_are_spoken() {
    for protocol in 5..=7 {
        let query = format!("protocol={protocol}&client=js&version=8.6.0&flash=false&x");
        let hello = Hello::parse(&query).unwrap();
        assert_eq!(hello.protocol, protocol);
        assert_eq!(
            (hello.client.as_deref(), hello.version.as_deref()),
            (Some("js"), Some("8.6.0"))
        );
    }
}

#[test]
fn line_1_3_established_carries_its_data_as_a_string() {
    let frame = ServerFrame::ConnectionEstablished {
        socket_id: SocketId::new(17, 4),
        activity_timeout_seconds: Limits::default().activity_timeout_seconds,
    };
    assert_eq!(
        text_of(frame),
        r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"17.4\",\"activity_timeout\":120}"}"#
    );
}

#[test]
fn line_1_5_a_socket_id_is_two_numbers() {
    for (high, low) in [(0, 0), (1234, 5678), (u64::MAX, u64::MAX)] {
        let socket_id = SocketId::new(high, low);
        assert_eq!(socket_id.to_string(), format!("{high}.{low}"));
        assert_eq!(socket_id.to_string().parse(), Ok(socket_id));
    }
    for text in ["", "1", ".", "1.", ".1", "1.2.3", "-1.2", "+1.2", " 1.2", "1.2\n", "a.b", "١.٢"]
    {
        assert_eq!(text.parse::<SocketId>(), Err(BadSocketId::Shape), "{text}");
    }
    for text in ["01.2", "1.02", "18446744073709551616.1", "1.99999999999999999999"] {
        assert_eq!(text.parse::<SocketId>(), Err(BadSocketId::NotOurs), "{text}");
    }
}

#[test]
fn line_1_8_the_protocol_and_the_version_are_checked() {
    for (query, code) in [
        ("", CloseCode::NoProtocol),
        ("client=js", CloseCode::NoProtocol),
        ("protocol=4", CloseCode::UnsupportedProtocol),
        ("protocol=8", CloseCode::UnsupportedProtocol),
        ("protocol=99999999999999999999", CloseCode::UnsupportedProtocol),
        ("protocol=", CloseCode::UnsupportedProtocol),
        ("protocol=7&version=", CloseCode::BadVersion),
        ("protocol=7&version=8%0a9", CloseCode::BadVersion),
    ] {
        assert_eq!(Hello::parse(query), Err(code), "{query}");
    }
    assert!(Hello::parse("protocol=7").is_ok());
}

#[test]
fn trap_7_a_client_whose_name_could_break_a_log_has_none() {
    assert_eq!(Hello::parse("protocol=7&client=js%0aroot").unwrap().client, None);
}

#[test]
fn line_2_1_a_ping_and_a_pong_are_read_with_any_data_or_none() {
    for data in ["", r#","data":{}"#, r#","data":"{}""#, r#","data":"""#, r#","data":null"#] {
        let ping = format!(r#"{{"event":"pusher:ping"{data}}}"#);
        assert!(matches!(decode(&ping), Ok(ClientFrame::Ping)), "{ping}");
        let pong = format!(r#"{{"event":"pusher:pong"{data}}}"#);
        assert!(matches!(decode(&pong), Ok(ClientFrame::Pong)), "{pong}");
    }
}

#[test]
fn line_2_1_a_ping_and_a_pong_are_written() {
    assert_eq!(text_of(ServerFrame::Ping), r#"{"event":"pusher:ping","data":"{}"}"#);
    assert_eq!(text_of(ServerFrame::Pong), r#"{"event":"pusher:pong","data":"{}"}"#);
}
