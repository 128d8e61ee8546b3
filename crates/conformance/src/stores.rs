//! The store ports that are proved together, and what every proof starts with.

use campanile_core::{
    message::{Draft, Message},
    name::{RoomName, UserName},
    port::{
        AccountStore, AppStore, AppendError, Appended, InviteStore, MemberStore, MessageStore,
        NewAccount, NewRoom, Page, PrekeyStore, PushStore, PutMember, ReceiptStore, RoomStore,
        SessionStore, UploadStore,
    },
    room::{Room, RoomKind},
    time::Timestamp,
    user::PasswordHash,
};
use std::{any::Any, sync::Arc, time::Duration};

/// How long the store under test is to remember idempotency keys.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// When the proofs play.
pub const START: Timestamp = Timestamp(1_800_000_000_000);

/// The store ports of one empty database. Its bounds are those of `Limits::default()`, and it
/// remembers idempotency keys for [`IDEMPOTENCY_WINDOW`].
#[derive(Clone)]
pub struct Stores {
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Rooms.
    pub rooms: Arc<dyn RoomStore>,
    /// Members.
    pub members: Arc<dyn MemberStore>,
    /// Messages.
    pub messages: Arc<dyn MessageStore>,
    /// Receipts.
    pub receipts: Arc<dyn ReceiptStore>,
    /// Uploads.
    pub uploads: Arc<dyn UploadStore>,
    /// Prekeys.
    pub prekeys: Arc<dyn PrekeyStore>,
    /// Invitations.
    pub invites: Arc<dyn InviteStore>,
    /// Subscriptions to pushes.
    pub pushes: Arc<dyn PushStore>,
    /// Applications.
    pub apps: Arc<dyn AppStore>,
    /// What must stay as long as the stores are used: a temporary directory.
    pub held: Arc<dyn Any + Send + Sync>,
}

impl Stores {
    /// The ports of something that has all of them.
    pub fn of<S>(store: Arc<S>) -> Self
    where
        S: AccountStore
            + SessionStore
            + RoomStore
            + MemberStore
            + MessageStore
            + ReceiptStore
            + UploadStore
            + PrekeyStore
            + InviteStore
            + PushStore
            + AppStore
            + 'static,
    {
        Self {
            accounts: store.clone(),
            sessions: store.clone(),
            rooms: store.clone(),
            members: store.clone(),
            messages: store.clone(),
            receipts: store.clone(),
            uploads: store.clone(),
            prekeys: store.clone(),
            invites: store.clone(),
            pushes: store.clone(),
            apps: store,
            held: Arc::new(()),
        }
    }

    /// The same, with something kept alive beside it.
    pub fn holding(self, held: impl Any + Send + Sync) -> Self {
        Self { held: Arc::new(held), ..self }
    }

    /// Makes an account.
    pub async fn account(&self, name: &str) -> UserName {
        let name = user(name);
        let new = new_account(&name);
        self.accounts.create(new).await.expect("a free name is given");
        name
    }

    /// Makes a room of one owner.
    pub async fn room(&self, name: &str, kind: RoomKind, owner: &UserName) -> RoomName {
        self.made(new_room(name, kind, &[owner])).await.name
    }

    /// Makes a public room of one owner.
    pub async fn public(&self, name: &str, owner: &UserName) -> RoomName {
        self.room(name, RoomKind::Public, owner).await
    }

    /// Makes a room.
    pub async fn made(&self, new: NewRoom) -> Room {
        self.rooms.create(new).await.expect("a free name is given")
    }

    /// Makes a user a member.
    pub async fn join(&self, room: &RoomName, user: &UserName) {
        let put = self.members.put(room, user, joining()).await;
        put.expect("anyone may become a member");
    }

    /// Makes a user with an account and a public room that it owns.
    pub async fn owner_and_room(&self) -> (UserName, RoomName) {
        let owner = self.account("owner").await;
        let room = self.public("lobby", &owner).await;
        (owner, room)
    }

    /// Appends.
    pub async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        self.messages.append(draft, now).await
    }

    /// Says something.
    pub async fn say(&self, room: &RoomName, from: &UserName, body: &str) -> Arc<Message> {
        let appended = self.append(draft(room, from, body), START).await;
        appended.expect("a member may speak").message
    }

    /// Says numbered things.
    pub async fn say_many(&self, room: &RoomName, from: &UserName, count: usize) {
        for number in 1..=count {
            self.say(room, from, &format!("message {number}")).await;
        }
    }

    /// Everything that is kept of a room.
    pub async fn all(&self, room: &RoomName) -> Vec<Arc<Message>> {
        let history = self.messages.history(room, Page::Newest, 1_000_000).await;
        history.expect("the room is there").messages
    }

    /// One message that is kept.
    pub async fn message(&self, room: &RoomName, seq: u64) -> Arc<Message> {
        let all = self.all(room).await;
        let found = all.into_iter().find(|message| message.seq().0 == seq);
        found.expect("the message is kept")
    }
}

/// A user's name.
pub fn user(name: &str) -> UserName {
    UserName::parse(name).expect("tests use good names")
}

/// A room's name.
pub fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("tests use good names")
}

pub(crate) fn new_account(name: &UserName) -> NewAccount {
    NewAccount {
        name: name.clone(),
        password: PasswordHash(format!("hash of {name}")),
        operator: false,
        created_at: START,
        invite: None,
    }
}

pub(crate) fn new_room(name: &str, kind: RoomKind, members: &[&UserName]) -> NewRoom {
    NewRoom {
        name: room(name),
        kind,
        members: members.iter().copied().cloned().collect(),
        created_at: START,
    }
}

pub(crate) fn joining() -> PutMember {
    PutMember { role: None, at: START, members_max: 10_000 }
}

/// A draft that answers nothing and has no key.
pub fn draft(room: &RoomName, from: &UserName, body: &str) -> Draft {
    Draft { room: room.clone(), from: from.clone(), body: body.into(), key: None, reply_to: None }
}

pub(crate) fn keyed(room: &RoomName, from: &UserName, key: &str) -> Draft {
    Draft { key: Some(key.into()), ..draft(room, from, "said with a key") }
}

/// The numbers of messages.
pub(crate) fn numbers(messages: &[Arc<Message>]) -> Vec<u64> {
    messages.iter().map(|message| message.seq().0).collect()
}
