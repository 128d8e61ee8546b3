//! Whatever is asked, the file answers as the memory does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use campanile_adapter_memory::MemoryStore;
use campanile_adapter_sqlite::Config;
use campanile_conformance::{START, Stores, room, user};
use campanile_core::{
    message::{Amendment, Draft, Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{AccountChange, Head, NewAccount, NewRoom, Page, PutMember, RoomChange},
    room::{Role, Room, RoomKind},
    time::Timestamp,
    user::{PasswordHash, Session, TokenHash},
};
use campanile_metrics::Registry;
use proptest::{prelude::*, sample::select};
use std::{fmt::Debug, sync::Arc, time::Duration};

/// So short that keys expire within a run.
const WINDOW: Duration = Duration::from_millis(40);

/// Something to ask. Users, rooms and so on are few, so that they meet again.
#[derive(Clone, Debug)]
enum Ask {
    Account(Account),
    Session(Sessions),
    Room(Rooms),
    Member(Members),
    Message(Messages),
}

#[derive(Clone, Debug)]
enum Account {
    Create(UserName, bool),
    Find(UserName),
    Operator(UserName, bool),
    Banned(UserName, bool),
    Touch(Vec<(UserName, i64)>),
    Count,
}

#[derive(Clone, Debug)]
enum Sessions {
    Open(UserName, u8, i64),
    Find(u8),
    End(u8),
    EndAll(UserName),
    Ended(Vec<u8>),
    Purge,
}

#[derive(Clone, Debug)]
enum Rooms {
    Create(RoomName, RoomKind, UserName, UserName),
    Find(RoomName),
    List(UserName, Option<RoomName>, usize),
    Topic(RoomName, String),
    Delete(RoomName),
}

#[derive(Clone, Debug)]
enum Members {
    Put(RoomName, UserName, Option<Role>, usize),
    Remove(RoomName, UserName),
    Role(RoomName, UserName),
    Roles(Vec<(RoomName, UserName)>),
    List(RoomName, Option<UserName>, usize),
    RoomsOf(UserName),
    Mark(RoomName, UserName, u64),
    Receipts(RoomName, usize),
}

#[derive(Clone, Debug)]
enum Messages {
    Append(RoomName, UserName, Option<u8>, Option<u64>),
    History(RoomName, Page, usize),
    Amend(RoomName, u64, UserName, Amendment),
    Evict(i64),
    Heads(Vec<RoomName>),
    Size,
}

fn users() -> impl Strategy<Value = UserName> + Clone {
    select(vec!["ada", "bob", "c.y-d"]).prop_map(user)
}

fn rooms() -> impl Strategy<Value = RoomName> + Clone {
    select(vec!["lobby", "den", "dm.1"]).prop_map(room)
}

fn accounts() -> impl Strategy<Value = Account> {
    let seen = prop::collection::vec((users(), 0..50_i64), 0..4);
    prop_oneof![
        4 => (users(), any::<bool>()).prop_map(|(user, operator)| Account::Create(user, operator)),
        1 => users().prop_map(Account::Find),
        1 => (users(), any::<bool>()).prop_map(|(user, on)| Account::Operator(user, on)),
        1 => (users(), any::<bool>()).prop_map(|(user, on)| Account::Banned(user, on)),
        1 => seen.prop_map(Account::Touch),
        1 => Just(Account::Count),
    ]
}

fn sessions() -> impl Strategy<Value = Sessions> {
    prop_oneof![
        3 => (users(), 0..4_u8, 0..200_i64).prop_map(|(user, token, end)| Sessions::Open(user, token, end)),
        3 => (0..4_u8).prop_map(Sessions::Find),
        1 => (0..4_u8).prop_map(Sessions::End),
        1 => users().prop_map(Sessions::EndAll),
        1 => prop::collection::vec(0..4_u8, 0..6).prop_map(Sessions::Ended),
        1 => Just(Sessions::Purge),
    ]
}

fn room_asks() -> impl Strategy<Value = Rooms> {
    let kinds = select(vec![RoomKind::Public, RoomKind::Private, RoomKind::Direct]);
    prop_oneof![
        5 => (rooms(), kinds, users(), users()).prop_map(|(room, kind, one, other)| Rooms::Create(room, kind, one, other)),
        1 => rooms().prop_map(Rooms::Find),
        1 => (users(), prop::option::of(rooms()), 0..4_usize).prop_map(|(user, after, limit)| Rooms::List(user, after, limit)),
        1 => (rooms(), "[a-z]{0,4}").prop_map(|(room, topic)| Rooms::Topic(room, topic)),
        1 => rooms().prop_map(Rooms::Delete),
    ]
}

fn members() -> impl Strategy<Value = Members> {
    let roles = select(vec![None, None, Some(Role::Owner), Some(Role::Member)]);
    prop_oneof![
        5 => (rooms(), users(), roles, 1..4_usize).prop_map(|(room, user, role, max)| Members::Put(room, user, role, max)),
        1 => (rooms(), users()).prop_map(|(room, user)| Members::Remove(room, user)),
        1 => (rooms(), users()).prop_map(|(room, user)| Members::Role(room, user)),
        1 => prop::collection::vec((rooms(), users()), 0..5).prop_map(Members::Roles),
        1 => (rooms(), prop::option::of(users()), 0..4_usize).prop_map(|(room, after, limit)| Members::List(room, after, limit)),
        1 => users().prop_map(Members::RoomsOf),
        2 => (rooms(), users(), 0..20_u64).prop_map(|(room, user, seq)| Members::Mark(room, user, seq)),
        1 => (rooms(), 0..4_usize).prop_map(|(room, limit)| Members::Receipts(room, limit)),
    ]
}

fn messages() -> impl Strategy<Value = Messages> {
    let key = prop::option::of(0..4_u8);
    let reply = prop::option::weighted(0.2, 0..15_u64);
    let page = prop_oneof![
        Just(Page::Newest),
        (0..15_u64).prop_map(|seq| Page::Before(Sequence(seq))),
        (0..15_u64).prop_map(|seq| Page::After(Sequence(seq))),
    ];
    let amendment = prop_oneof![
        "[ab]".prop_map(|body| Amendment::Edit { body: body.into() }),
        Just(Amendment::Delete),
        ("[xyz]", any::<bool>())
            .prop_map(|(emoji, on)| Amendment::React { emoji: emoji.into(), on }),
    ];
    prop_oneof![
        8 => (rooms(), users(), key, reply).prop_map(|(room, user, key, reply)| Messages::Append(room, user, key, reply)),
        3 => (rooms(), page, 0..6_usize).prop_map(|(room, page, limit)| Messages::History(room, page, limit)),
        4 => (rooms(), 0..12_u64, users(), amendment).prop_map(|(room, seq, user, amendment)| Messages::Amend(room, seq, user, amendment)),
        1 => (0..60_i64).prop_map(Messages::Evict),
        1 => prop::collection::vec(rooms(), 0..5).prop_map(Messages::Heads),
        1 => Just(Messages::Size),
    ]
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = prop_oneof![
        2 => accounts().prop_map(Ask::Account),
        2 => sessions().prop_map(Ask::Session),
        3 => room_asks().prop_map(Ask::Room),
        5 => members().prop_map(Ask::Member),
        12 => messages().prop_map(Ask::Message),
    ];
    prop::collection::vec(ask, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_file_answers_as_the_memory_does(asks in asks()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(compare(asks));
    }
}

async fn compare(asks: Vec<Ask>) {
    let directory = tempfile::tempdir().unwrap();
    let config =
        Config { idempotency_window: WINDOW, ..Config::new(directory.path().join("store.db")) };
    let file = Arc::new(config.open(Registry::global()).await.unwrap());
    let (file, memory) = (Stores::of(file), Stores::of(Arc::new(MemoryStore::new(WINDOW))));
    // Somebody is there from the start, so that not all that is asked is refused.
    for stores in [&file, &memory] {
        let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
        let lobby = stores.public("lobby", &ada).await;
        stores.join(&lobby, &bob).await;
    }
    for (step, ask) in asks.into_iter().enumerate() {
        let now = Timestamp(START.0 + step as i64);
        let answers = (answer(&file, &ask, now).await, answer(&memory, &ask, now).await);
        assert_eq!(answers.0, answers.1, "step {step}: {ask:?}");
    }
}

async fn answer(stores: &Stores, ask: &Ask, now: Timestamp) -> String {
    match ask.clone() {
        Ask::Account(ask) => account(stores, ask, now).await,
        Ask::Session(ask) => session(stores, ask, now).await,
        Ask::Room(ask) => room_answer(stores, ask, now).await,
        Ask::Member(ask) => member(stores, ask, now).await,
        Ask::Message(ask) => message(stores, ask, now).await,
    }
}

fn told(answer: impl Debug) -> String {
    format!("{answer:?}")
}

fn at(millis: i64) -> Timestamp {
    Timestamp(START.0 + millis)
}

async fn account(stores: &Stores, ask: Account, now: Timestamp) -> String {
    let accounts = &stores.accounts;
    match ask {
        Account::Create(name, operator) => {
            let password = PasswordHash("hash".into());
            let new = NewAccount { name, password, operator, created_at: now, invite: None };
            told(accounts.create(new).await)
        }
        Account::Find(name) => told(accounts.find(&name).await),
        Account::Operator(name, on) => {
            told(accounts.change(&name, AccountChange::Operator(on)).await)
        }
        Account::Banned(name, on) => told(accounts.change(&name, AccountChange::Banned(on)).await),
        Account::Touch(seen) => {
            let seen: Vec<_> = seen.into_iter().map(|(name, millis)| (name, at(millis))).collect();
            told(accounts.touch(&seen).await)
        }
        Account::Count => told(accounts.count().await),
    }
}

async fn session(stores: &Stores, ask: Sessions, now: Timestamp) -> String {
    let (sessions, token) = (&stores.sessions, |token| TokenHash([token; 32]));
    match ask {
        Sessions::Open(user, number, end) => {
            let session =
                Session { user, token: token(number), operator: false, expires_at: at(end) };
            told(sessions.open(session).await)
        }
        Sessions::Find(number) => told(sessions.find(token(number), now).await),
        Sessions::End(number) => told(sessions.end(token(number)).await),
        Sessions::EndAll(user) => told(sessions.end_all(&user).await.map(|mut tokens| {
            tokens.sort_by_key(|token| token.0);
            tokens.iter().map(|token| token.0[0]).collect::<Vec<_>>()
        })),
        Sessions::Ended(numbers) => {
            let tokens: Vec<_> = numbers.into_iter().map(token).collect();
            told(sessions.ended(&tokens, now).await)
        }
        Sessions::Purge => told(sessions.purge(now).await),
    }
}

async fn room_answer(stores: &Stores, ask: Rooms, now: Timestamp) -> String {
    // Epochs are random, so they differ.
    let plain = |room: Room| Room { epoch: Epoch(0), ..room };
    let rooms = &stores.rooms;
    match ask {
        Rooms::Create(name, kind, one, other) => {
            let members = if kind == RoomKind::Direct { vec![one, other] } else { vec![one] };
            let new = NewRoom { name, kind, members, created_at: now };
            told(rooms.create(new).await.map(plain))
        }
        Rooms::Find(name) => told(rooms.find(&name).await.map(|room| room.map(plain))),
        Rooms::List(viewer, after, limit) => {
            let listed = rooms.list(&viewer, after.as_ref(), limit).await;
            told(listed.map(|rooms| rooms.into_iter().map(plain).collect::<Vec<_>>()))
        }
        Rooms::Topic(name, topic) => {
            let changed = rooms.change(&name, RoomChange::topic(topic)).await;
            told(changed.map(|room| room.map(plain)))
        }
        Rooms::Delete(name) => told(rooms.delete(&name).await),
    }
}

async fn member(stores: &Stores, ask: Members, now: Timestamp) -> String {
    let (members, receipts) = (&stores.members, &stores.receipts);
    match ask {
        Members::Put(room, user, role, members_max) => {
            let put = PutMember { role, at: now, members_max };
            told(members.put(&room, &user, put).await)
        }
        Members::Remove(room, user) => told(members.remove(&room, &user).await),
        Members::Role(room, user) => told(members.role(&room, &user).await),
        Members::Roles(of) => told(members.roles(&of).await),
        Members::List(room, after, limit) => {
            told(members.members(&room, after.as_ref(), limit).await)
        }
        Members::RoomsOf(user) => {
            let rooms = members.rooms_of(&user).await.unwrap();
            let plain = |(room, member)| (Room { epoch: Epoch(0), ..room }, member);
            told(rooms.into_iter().map(plain).collect::<Vec<_>>())
        }
        Members::Mark(room, user, seq) => told(receipts.mark(&room, &user, Sequence(seq)).await),
        Members::Receipts(room, limit) => told(receipts.receipts(&room, limit).await),
    }
}

async fn message(stores: &Stores, ask: Messages, now: Timestamp) -> String {
    let plain = |message: &Arc<Message>| {
        let mut message = Message::clone(message);
        message.id.epoch = Epoch(0);
        message
    };
    let messages = &stores.messages;
    match ask {
        Messages::Append(room, from, key, reply_to) => {
            let draft = Draft {
                room,
                from,
                body: format!("said at {}", now.0).into(),
                key: key.map(|key| format!("key-{key}").into()),
                reply_to: reply_to.map(Sequence),
            };
            let appended = messages.append(draft, now).await;
            told(appended.map(|it| (plain(&it.message), it.kind, it.duplicate)))
        }
        Messages::History(room, page, limit) => {
            let read = messages.history(&room, page, limit).await;
            told(read.map(|history| {
                let messages: Vec<Message> = history.messages.iter().map(plain).collect();
                (messages, history.has_more, history.last_seq, history.first_seq)
            }))
        }
        Messages::Amend(room, seq, by, amendment) => {
            told(messages.amend(&room, Sequence(seq), &by, &amendment, now).await)
        }
        Messages::Evict(before) => {
            told(messages.evict(at(before), Some(Duration::ZERO), 1_000).await)
        }
        Messages::Heads(rooms) => {
            let heads = messages.heads(&rooms).await.unwrap();
            let plain = |head: Head| (head.last_seq, head.amended_at);
            told(heads.into_iter().map(|head| head.map(plain)).collect::<Vec<_>>())
        }
        Messages::Size => told(messages.size().await.map(|size| size.messages)),
    }
}
