//! Section 11.2: what is asked of channels.

use super::*;
use campanile_pusher::http::{
    BadInfo, Cached, ChannelAnswer, ChannelsAnswer, Counts, Info, UserAnswer, UsersAnswer,
    check_presence,
};
use std::collections::BTreeMap;

#[test]
fn line_11_2_f_users_are_counted_where_all_are_presence_channels() {
    let asked = |info, prefix| Info::of_channels(info, prefix);
    let users = Info { user_count: true, ..Info::default() };
    assert_eq!(asked(None, None), Ok(Info::default()));
    assert_eq!(asked(Some("user_count"), Some("presence-")), Ok(users));
    assert_eq!(asked(Some("user_count"), Some("presence-cache-a")), Ok(users));
    for prefix in [None, Some(""), Some("presence"), Some("private-")] {
        assert_eq!(asked(Some("user_count"), prefix), Err(BadInfo::UserCountOfAll));
    }
    assert_eq!(asked(Some("cache"), Some("cache-")), Err(BadInfo::Cache));
    assert!(asked(Some("subscription_count"), None).unwrap().subscription_count);
    let counts = Counts { user_count: Some(2), subscription_count: None };
    let channels = BTreeMap::from([("presence-a", counts), ("b", Counts::default())]);
    assert_eq!(
        serde_json::to_string(&ChannelsAnswer { channels }).unwrap(),
        r#"{"channels":{"b":{},"presence-a":{"user_count":2}}}"#
    );
    assert_eq!(serde_json::to_string(&ChannelsAnswer::default()).unwrap(), r#"{"channels":{}}"#);
}

#[test]
fn line_11_2_g_attributes_have_to_be_of_the_kind() {
    let asked = |info, name| Info::of_channel(Some(info), &channel(name));
    assert!(asked("user_count, subscription_count,cache", "presence-cache-a").is_ok());
    assert!(asked("", "a").unwrap().is_empty());
    assert_eq!(asked("user_count", "private-a"), Err(BadInfo::UserCount));
    assert_eq!(asked("cache", "presence-a"), Err(BadInfo::Cache));
    assert_eq!(asked("subscription_count,members", "a"), Err(BadInfo::Unknown));
}

#[test]
fn line_11_2_g_occupied_is_always_there() {
    let answer = |answer: ChannelAnswer<'_>| serde_json::to_string(&answer).unwrap();
    assert_eq!(answer(ChannelAnswer::default()), r#"{"occupied":false}"#);
    let counts = Counts { user_count: Some(1), subscription_count: Some(2) };
    assert_eq!(
        answer(ChannelAnswer { occupied: true, counts, cache: None }),
        r#"{"occupied":true,"user_count":1,"subscription_count":2}"#
    );
    let cached = |cache| ChannelAnswer { cache: Some(cache), ..ChannelAnswer::default() };
    assert_eq!(answer(cached(None)), r#"{"occupied":false,"cache":null}"#);
    let last = Cached { data: raw(r#""{\"a\":1}""#), ttl: 60 };
    assert_eq!(
        answer(cached(Some(last))),
        r#"{"occupied":false,"cache":{"data":"{\"a\":1}","ttl":60}}"#
    );
}

#[test]
fn line_11_2_h_only_presence_channels_have_users() {
    assert_eq!(check_presence(&channel("presence-cache-a")), Ok(()));
    assert_eq!(check_presence(&channel("private-a")), Err(BadInfo::Users));
    let users = vec![UserAnswer { id: "1" }, UserAnswer { id: "a\"" }];
    assert_eq!(
        serde_json::to_string(&UsersAnswer { users }).unwrap(),
        r#"{"users":[{"id":"1"},{"id":"a\""}]}"#
    );
}
