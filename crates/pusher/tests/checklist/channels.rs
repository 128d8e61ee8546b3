//! Section 4: names of channels, and what they say.

use super::*;

fn parse(name: &str) -> Result<ChannelName, BadChannelName> {
    ChannelName::parse(name, &Limits::default())
}

#[test]
fn line_4_1_only_some_characters_are_allowed() {
    assert!(parse("azAZ09_-=@,.;").is_ok());
    for letter in [" ", "\n", "\0", "\"", "\\", "/", ":", "#", "+", "%", "é", "💬", "*"] {
        assert_eq!(parse(&format!("a{letter}")), Err(BadChannelName::Character), "{letter:?}");
    }
    assert_eq!(parse(""), Err(BadChannelName::Empty));
}

#[test]
fn line_4_2_a_name_has_at_most_200_characters() {
    assert!(parse(&"a".repeat(200)).is_ok());
    assert_eq!(parse(&"a".repeat(201)), Err(BadChannelName::TooLong { bytes_max: 200 }));
    let limits = Limits { channel_name_bytes_max: 164, ..Limits::default() };
    assert!(ChannelName::parse(&"a".repeat(164), &limits).is_ok());
    assert!(ChannelName::parse(&"a".repeat(165), &limits).is_err());
}

#[test]
fn line_4_3_the_channel_of_a_user_is_the_only_one_with_a_hash() {
    let own = parse("#server-to-user-a|b@example.com").unwrap();
    assert_eq!(own.user(), Some("a|b@example.com"));
    assert_eq!(own.kind().access, Access::User);
    assert!(!own.kind().needs_auth());
    assert_eq!(ChannelName::of_user("7", &Limits::default()), parse("#server-to-user-7"));
    assert_eq!(parse("private-a").unwrap().user(), None);
    for name in ["#", "#private-a", "#server-to-user", "#Server-to-user-1"] {
        assert_eq!(parse(name), Err(BadChannelName::Reserved), "{name}");
    }
    let long = format!("#server-to-user-{}", "é".repeat(129));
    for name in ["#server-to-user-", "#server-to-user-a\nb", &long] {
        assert_eq!(parse(name), Err(BadChannelName::UserId), "{name}");
    }
    assert!(parse(&format!("#server-to-user-{}", "é".repeat(128))).is_ok());
}

#[test]
fn line_4_4_the_longest_prefix_decides() {
    for (name, access, is_cache) in [
        ("a", Access::Public, false),
        ("cache-a", Access::Public, true),
        ("private-a", Access::Private, false),
        ("private-cache-a", Access::Private, true),
        ("private-encrypted-a", Access::Encrypted, false),
        ("private-encrypted-cache-a", Access::Encrypted, true),
        ("presence-a", Access::Presence, false),
        ("presence-cache-a", Access::Presence, true),
        ("privatea", Access::Public, false),
        ("Private-a", Access::Public, false),
        ("encrypted-a", Access::Public, false),
        ("presence-encrypted-a", Access::Presence, false),
        ("private-encryptedcache-a", Access::Private, false),
        ("presence-", Access::Presence, false),
    ] {
        assert_eq!(parse(name).unwrap().kind(), Kind { access, is_cache }, "{name}");
    }
}

#[test]
fn line_7_3_clients_talk_on_private_and_presence_channels() {
    let talks = |name: &str| Kind::of(name).takes_client_events();
    assert!(talks("private-a") && talks("presence-a") && talks("presence-cache-a"));
    assert!(!talks("a") && !talks("cache-a") && !talks("#server-to-user-1"));
}

#[test]
fn line_7_5_clients_do_not_talk_on_encrypted_channels() {
    assert!(!Kind::of("private-encrypted-a").takes_client_events());
}

#[test]
fn line_9_1_the_number_of_subscribers_is_told_everywhere_but_on_presence_channels() {
    assert!(Kind::of("a").tells_subscription_count());
    assert!(Kind::of("private-encrypted-cache-a").tells_subscription_count());
    assert!(!Kind::of("presence-cache-a").tells_subscription_count());
    let channel = channel("a");
    let frame = ServerFrame::SubscriptionCount { channel: channel.as_str(), count: 7 };
    assert_eq!(
        text_of(frame),
        r#"{"event":"pusher_internal:subscription_count","channel":"a","data":"{\"subscription_count\":7}"}"#
    );
}

#[test]
fn line_8_2_a_miss_names_its_channel() {
    let channel = channel("cache-a");
    assert_eq!(
        text_of(ServerFrame::CacheMiss { channel: channel.as_str() }),
        r#"{"event":"pusher:cache_miss","channel":"cache-a"}"#
    );
}
