//! Section 3: codes that close, and codes that do not.

use super::*;
use bytes::BytesMut;

#[test]
fn section_3_clients_react_to_each_code_as_the_table_says() {
    for code in CloseCode::ALL {
        let expected = match code.number() {
            4000 => Reaction::ChangeToTls,
            4001..=4099 => Reaction::Stop,
            4100..=4199 => Reaction::ComeBackLater,
            4200..=4299 => Reaction::ComeBackNow,
            number => panic!("{number} is no code to close with"),
        };
        assert_eq!(code.reaction(), expected);
        assert_eq!(CloseCode::from_number(code.number()), Some(code));
        assert!(code.reason().len() <= 123, "it has to fit into a closing frame");
    }
    assert_eq!(CloseCode::from_number(4301), None);
}

#[test]
fn line_3_1_codes_that_do_not_close_are_beyond_those_that_do() {
    for code in [OpenCode::TooManyClientEvents, OpenCode::WatchlistTooLong] {
        assert!(code.number() >= 4300);
    }
}

#[test]
fn line_3_2_a_closing_code_is_announced_together_with_its_close() {
    let mut text = BytesMut::new();
    let frame = CloseCode::NoSuchApp.announce(&mut text);
    assert_eq!((frame.code, frame), (4001, CloseCode::NoSuchApp.frame()));
    assert_eq!(
        text,
        r#"{"event":"pusher:error","data":{"code":4001,"message":"no application has this key"}}"#
    );
}

#[test]
fn line_3_3_an_error_carries_an_object() {
    assert_eq!(
        text_of(ServerFrame::Error(&Refusal::Binary)),
        r#"{"event":"pusher:error","data":{"code":null,"message":"frames are text"}}"#
    );
}

#[test]
fn trap_9_only_the_rate_limit_has_the_code_of_the_rate_limit() {
    let limits = Limits::default();
    let channel = channel("private-a");
    let refusals = [
        Refusal::NotSubscribed,
        Refusal::ClientEventsOff,
        Refusal::ClientEventsNotHere,
        Refusal::AlreadySubscribed { channel: &channel },
        Refusal::Frame(BadFrame::UnknownEvent),
    ];
    assert!(refusals.iter().all(|refusal| refusal.code().is_none()));
    let code = |refusal: Refusal<'_>| refusal.code().map(OpenCode::number);
    assert_eq!(code(Refusal::too_many_client_events(&limits)), Some(4301));
    assert_eq!(code(Refusal::watchlist_too_long(&limits)), Some(4302));
}
