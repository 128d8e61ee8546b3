//! The promises of [`ChannelStore`].

use crate::clock::TestClock;
use campanile_core::{
    channel::{AppId, Channel, ChannelMember, Data, Edition, Kept, Published},
    port::{ChannelChange, ChannelStore, Clock, ConnectionId, Entrant},
};
use std::{sync::Arc, time::Duration};

/// Proves a channel store that goes by the clock it is made with.
pub async fn channel_store(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn ChannelStore>) {
    let clock = Arc::new(TestClock::default());
    let make = async || make(clock.clone()).await;
    a_channel_is_there_from_its_first_subscription_to_its_last(&*make().await).await;
    a_subscription_counts_once(&*make().await).await;
    a_member_is_there_from_its_first_subscription_to_its_last(&*make().await).await;
    what_the_first_subscription_said_of_a_user_stays(&*make().await).await;
    a_channel_has_as_many_members_as_it_may_have(&*make().await).await;
    each_change_of_members_has_a_higher_version(&*make().await).await;
    channels_of_one_name_belong_to_their_applications(&*make().await).await;
    channels_are_listed_by_how_their_names_begin(&*make().await).await;
    names_may_be_anything(&*make().await).await;
    the_last_event_is_kept_for_its_time(&*make().await, &clock).await;
    each_event_that_is_kept_has_a_higher_number(&*make().await, &clock).await;
}

fn app(id: &str) -> AppId {
    AppId::parse(id).unwrap()
}

fn channel(name: &str) -> Channel {
    Channel::new(&app("shop"), name)
}

fn member(user: &str, info: Option<&str>) -> ChannelMember {
    ChannelMember { user: user.into(), info: info.map(Into::into) }
}

/// A member of a channel that has room for it.
fn enters(member: &ChannelMember) -> Entrant<'_> {
    Entrant { member, members_max: u64::MAX }
}

/// What a change did; its version is the business of one promise.
#[derive(Debug, Default, PartialEq)]
struct Change {
    before: u64,
    after: u64,
    added: Vec<ChannelMember>,
    removed: Vec<ChannelMember>,
}

impl From<ChannelChange> for Change {
    fn from(ChannelChange { before, after, added, removed, .. }: ChannelChange) -> Self {
        Self { before, after, added, removed }
    }
}

fn change(before: u64, after: u64) -> Change {
    Change { before, after, ..Change::default() }
}

async fn subscribe(
    channels: &dyn ChannelStore,
    channel: &Channel,
    number: u64,
    member: Option<&ChannelMember>,
) -> Change {
    channels.subscribe(channel, ConnectionId(number), member.map(enters)).await.unwrap().into()
}

async fn unsubscribe(channels: &dyn ChannelStore, channel: &Channel, number: u64) -> Change {
    channels.unsubscribe(channel, ConnectionId(number)).await.unwrap().into()
}

async fn a_channel_is_there_from_its_first_subscription_to_its_last(channels: &dyn ChannelStore) {
    let news = channel("news");
    assert_eq!(channels.look(&news).await.unwrap().subscriptions, 0);
    assert_eq!(subscribe(channels, &news, 1, None).await, change(0, 1));
    assert_eq!(subscribe(channels, &news, u64::MAX, None).await, change(1, 2));
    let seen = channels.look(&news).await.unwrap();
    assert_eq!((seen.subscriptions, seen.members), (2, vec![]));
    assert_eq!(unsubscribe(channels, &news, 1).await, change(2, 1));
    assert_eq!(channels.reconcile().await.unwrap(), [], "there is nothing to put right");
    assert_eq!(unsubscribe(channels, &news, u64::MAX).await, change(1, 0));
    assert_eq!(channels.occupied(&app("shop"), "").await.unwrap(), []);
}

async fn a_subscription_counts_once(channels: &dyn ChannelStore) {
    let news = channel("news");
    assert_eq!(unsubscribe(channels, &news, 1).await, change(0, 0), "nobody was subscribed");
    assert_eq!(subscribe(channels, &news, 1, None).await, change(0, 1));
    assert_eq!(subscribe(channels, &news, 1, None).await, change(1, 1));
    assert_eq!(unsubscribe(channels, &news, 2).await, change(1, 1));
    assert_eq!(unsubscribe(channels, &news, 1).await, change(1, 0));
    assert_eq!(unsubscribe(channels, &news, 1).await, change(0, 0));
}

async fn a_member_is_there_from_its_first_subscription_to_its_last(channels: &dyn ChannelStore) {
    let lobby = channel("presence-lobby");
    let (ada, bob) = (member("ada", Some("{\"name\":\"Ada\"}")), member("bob", None));
    let added = subscribe(channels, &lobby, 1, Some(&ada)).await;
    assert_eq!(added, Change { added: vec![ada.clone()], ..change(0, 1) });
    let again = subscribe(channels, &lobby, 2, Some(&ada)).await;
    assert_eq!(again, change(1, 2), "it is a member already");
    let added = subscribe(channels, &lobby, 3, Some(&bob)).await;
    assert_eq!(added, Change { added: vec![bob.clone()], ..change(2, 3) });
    let seen = channels.look(&lobby).await.unwrap();
    let mut members = seen.members;
    members.sort_by(|one, other| one.user.cmp(&other.user));
    assert_eq!((seen.subscriptions, members), (3, vec![ada.clone(), bob.clone()]));
    let listed = channels.occupied(&app("shop"), "presence-").await.unwrap();
    assert_eq!((listed[0].subscriptions, listed[0].members), (3, 2));
    let left = unsubscribe(channels, &lobby, 1).await;
    assert_eq!(left, change(3, 2), "another subscription is there");
    let left = unsubscribe(channels, &lobby, 2).await;
    assert_eq!(left, Change { removed: vec![ada], ..change(2, 1) });
    let left = unsubscribe(channels, &lobby, 3).await;
    assert_eq!(left, Change { removed: vec![bob], ..change(1, 0) });
}

async fn what_the_first_subscription_said_of_a_user_stays(channels: &dyn ChannelStore) {
    let lobby = channel("presence-lobby");
    let (first, second) = (member("7", Some("\"first\"")), member("7", Some("\"second\"")));
    subscribe(channels, &lobby, 1, Some(&first)).await;
    subscribe(channels, &lobby, 2, Some(&second)).await;
    assert_eq!(channels.look(&lobby).await.unwrap().members, std::slice::from_ref(&first));
    unsubscribe(channels, &lobby, 1).await;
    assert_eq!(unsubscribe(channels, &lobby, 2).await.removed, [first]);
}

async fn a_channel_has_as_many_members_as_it_may_have(channels: &dyn ChannelStore) {
    let lobby = channel("presence-lobby");
    let enter = async |number, user| {
        let member = member(user, None);
        let entrant = Entrant { member: &member, members_max: 2 };
        channels.subscribe(&lobby, ConnectionId(number), Some(entrant)).await.unwrap()
    };
    assert!(!enter(1, "ada").await.is_full);
    let second = enter(2, "bob").await;
    assert!(!second.is_full);
    let refused = enter(3, "cleo").await;
    assert!(refused.is_full);
    assert_eq!(Change::from(refused), change(2, 2));
    let seen = channels.look(&lobby).await.unwrap();
    assert_eq!((seen.subscriptions, seen.members.len(), seen.version), (2, 2, second.version));
    assert_eq!(unsubscribe(channels, &lobby, 3).await, change(2, 2), "nothing was noted");
    assert!(!enter(4, "bob").await.is_full, "who is a member may come once more");
    unsubscribe(channels, &lobby, 1).await;
    assert_eq!(enter(3, "cleo").await.added, [member("cleo", None)]);
    let alone = channel("presence-alone");
    let ada = member("ada", None);
    let nobody = Entrant { member: &ada, members_max: 0 };
    assert!(channels.subscribe(&alone, ConnectionId(1), Some(nobody)).await.unwrap().is_full);
    let listed = channels.occupied(&app("shop"), "presence-alone").await.unwrap();
    assert_eq!(listed, [], "who was refused makes no channel");
    assert_eq!(channels.reconcile().await.unwrap(), []);
}

async fn each_change_of_members_has_a_higher_version(channels: &dyn ChannelStore) {
    let (lobby, ada) = (channel("presence-lobby"), member("ada", None));
    let subscribed = channels.subscribe(&lobby, ConnectionId(1), Some(enters(&ada))).await.unwrap();
    assert_eq!(channels.look(&lobby).await.unwrap().version, subscribed.version);
    let again = channels.subscribe(&lobby, ConnectionId(2), Some(enters(&ada))).await.unwrap();
    assert_eq!(again.version, subscribed.version, "the members are the same");
    channels.unsubscribe(&lobby, ConnectionId(1)).await.unwrap();
    let gone = channels.unsubscribe(&lobby, ConnectionId(2)).await.unwrap();
    assert!(gone.version > subscribed.version);
    let seen = channels.look(&lobby).await.unwrap().version;
    assert!(seen >= gone.version, "that it is not there is so after it went");
    let back = channels.subscribe(&lobby, ConnectionId(3), Some(enters(&ada))).await.unwrap();
    assert!(back.version > seen, "a channel that was not there goes on");
    assert_eq!(channels.look(&lobby).await.unwrap().version, back.version);
}

async fn channels_of_one_name_belong_to_their_applications(channels: &dyn ChannelStore) {
    let (shop, game) = (channel("news"), Channel::new(&app("game"), "news"));
    subscribe(channels, &shop, 1, None).await;
    assert_eq!(subscribe(channels, &game, 1, None).await, change(0, 1));
    let listed = channels.occupied(&app("game"), "").await.unwrap();
    assert_eq!(listed.iter().map(|count| &count.channel).collect::<Vec<_>>(), [&game]);
    unsubscribe(channels, &game, 1).await;
    assert_eq!(channels.look(&shop).await.unwrap().subscriptions, 1);
}

async fn channels_are_listed_by_how_their_names_begin(channels: &dyn ChannelStore) {
    for name in ["presence-b", "news", "presence-a", "presencf", "private-x"] {
        subscribe(channels, &channel(name), 1, None).await;
    }
    let listed = async |prefix| {
        let counts = channels.occupied(&app("shop"), prefix).await.unwrap();
        counts.iter().map(|count| count.channel.name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed("presence-").await, ["presence-a", "presence-b"]);
    let all = ["news", "presence-a", "presence-b", "presencf", "private-x"];
    assert_eq!(listed("").await, all);
    assert_eq!(listed("zebra").await, [""; 0]);
}

async fn names_may_be_anything(channels: &dyn ChannelStore) {
    let names = ["*", "[a-z]", "a*b", "with space", "{tag}", "a:b", "ä\u{0}\n", "a/b?c"];
    for name in names {
        let change = subscribe(channels, &channel(name), 1, None).await;
        assert_eq!((change.before, change.after), (0, 1), "{name:?}");
    }
    let listed = channels.occupied(&app("shop"), "a*").await.unwrap();
    assert_eq!(listed.len(), 1, "a star is a character like another");
    assert_eq!(channels.occupied(&app("shop"), "").await.unwrap().len(), names.len());
}

async fn the_last_event_is_kept_for_its_time(channels: &dyn ChannelStore, clock: &TestClock) {
    let price = channel("cache-price");
    let said = |data: Data| Published { event: "changed".into(), data, user: None };
    assert_eq!(channels.look(&price).await.unwrap().kept, None);
    let until = clock.now().plus(Duration::from_secs(60));
    let published = said(Data::Text("\"1\"\n".into()));
    let edition = channels.keep(&price, &published, until).await.unwrap();
    let first = Kept { published, until, edition };
    assert_eq!(channels.look(&price).await.unwrap().kept, Some(first));
    let published = said(Data::Raw("{\"now\":2}".into()));
    let edition = channels.keep(&price, &published, until).await.unwrap();
    let second = Kept { published, until, edition };
    let seen = channels.look(&price).await.unwrap();
    assert_eq!((seen.subscriptions, seen.kept), (0, Some(second)), "kept without a subscriber");
    clock.advance(Duration::from_secs(61));
    assert_eq!(channels.look(&price).await.unwrap().kept, None, "its time is over");
}

async fn each_event_that_is_kept_has_a_higher_number(
    channels: &dyn ChannelStore,
    clock: &TestClock,
) {
    let price = channel("cache-price");
    let mut last = Edition::default();
    for number in 0..100 {
        let data = Data::Text(number.to_string().into());
        let published = Published { event: "changed".into(), data, user: None };
        // Also after the time of the one before is over.
        clock.advance(Duration::from_secs(1));
        let until = clock.now().plus(Duration::from_millis(500));
        let edition = channels.keep(&price, &published, until).await.unwrap();
        assert!(edition > last, "{edition:?} after {last:?}");
        let kept = channels.look(&price).await.unwrap().kept;
        assert_eq!(kept, Some(Kept { published, until, edition }));
        last = edition;
    }
}
