//! A store with something of everything, and what its users do after it was moved.

use super::{Movable, Opened, close, picture};
use crate::app_store::with_two_keys;
use crate::stores::{START, Stores, draft, joining, keyed, new_room, room, user};
use bytes::Bytes;
use campanile_core::{
    channel::AppId,
    invite::{Invite, InviteHash},
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{
        AccountChange, AppChange, BlobStore, JobQueue, NewJob, PutMember, RoomChange, Settlement,
    },
    prekey::{Material, OneTimePrekey, PrekeyId, Prekeys, SignedPrekey},
    push::{PushEndpoint, PushSubscription},
    room::{Role, RoomKind},
    time::Timestamp,
    upload::{FileName, MediaType, Upload, UploadId},
    user::{Session, TokenHash},
};
use std::time::Duration;

pub(super) const QUEUE: &str = "webhooks";
const DAY: Duration = Duration::from_secs(24 * 3_600);
const LEASE: Duration = Duration::from_secs(30);

/// Bytes of the longest upload: several parts, however they are cut.
const LONG: usize = 700_000;

pub(super) fn token(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

/// When what is old was said: in another week.
fn old() -> Timestamp {
    START.minus(DAY * 20)
}

/// Fills a store; its picture.
pub(super) async fn fill(place: &dyn Movable) -> String {
    let opened = place.open().await.unwrap();
    let Opened { stores, jobs, blobs, .. } = &opened;
    people(stores).await;
    subscriptions(stores).await;
    rooms(stores).await;
    messages(stores).await;
    uploads(stores, &**blobs).await;
    prekeys(stores).await;
    give_jobs(&**jobs).await;
    applications(stores).await;
    stores.rooms.delete(&room("doomed")).await.unwrap();
    let picture = picture::of(&opened).await;
    close(opened).await;
    picture
}

async fn people(stores: &Stores) {
    for name in ["ada", "bob", "eve"] {
        stores.account(name).await;
    }
    let banned = AccountChange::Banned(true);
    stores.accounts.change(&user("eve"), banned).await.unwrap();
    stores.accounts.touch(&[(user("bob"), START)]).await.unwrap();
    for (number, made_by, uses_left) in [(1, Some("ada"), 3), (2, None, 1)] {
        let (hash, made_by) = (InviteHash([number; 32]), made_by.map(user));
        let expires_at = START.plus(DAY * u32::from(number));
        let invite = Invite { hash, made_by, made_at: START, expires_at, uses_left };
        stores.invites.put(invite, 10).await.unwrap();
    }
    for (number, name) in [(1, "ada"), (2, "bob"), (3, "bob")] {
        let expires_at = START.plus(DAY * number);
        let token = token(number as u8);
        let session = Session { user: user(name), token, operator: false, expires_at };
        stores.sessions.open(session).await.unwrap();
    }
}

/// Of two of the three sessions.
async fn subscriptions(stores: &Stores) {
    for number in 1..=2 {
        let endpoint = PushEndpoint::parse(&format!("https://push.example/{number}")).unwrap();
        let subscription = PushSubscription { endpoint, p256dh: [4; 65], auth: [number; 16] };
        stores.pushes.put(token(number), subscription, START, 10).await.unwrap();
    }
}

async fn rooms(stores: &Stores) {
    let (ada, bob) = (user("ada"), user("bob"));
    for (name, kind) in [("lobby", RoomKind::Public), ("den", RoomKind::Private)] {
        stores.room(name, kind, &ada).await;
        stores.join(&room(name), &bob).await;
    }
    stores.made(new_room("dm.ada-bob", RoomKind::Direct, &[&ada, &bob])).await;
    for name in ["doomed", "silent", "emptied"] {
        stores.public(name, &bob).await;
    }
    let topic = RoomChange::topic("all\0 and \u{1f514}");
    stores.rooms.change(&room("lobby"), topic).await.unwrap();
    let kept = RoomChange::retention(DAY * 400);
    stores.rooms.change(&room("den"), kept).await.unwrap();
    let owner = PutMember { role: Some(Role::Owner), ..joining() };
    stores.members.put(&room("den"), &bob, owner).await.unwrap();
}

async fn messages(stores: &Stores) {
    let (ada, bob, lobby) = (user("ada"), user("bob"), room("lobby"));
    // Some that retention takes away, one of them with a key that is still known.
    for body in ["gone", "gone too"] {
        stores.append(draft(&lobby, &ada, body), old()).await.unwrap();
    }
    for name in ["emptied", "doomed"] {
        stores.append(keyed(&room(name), &bob, "emptied"), old()).await.unwrap();
    }
    stores.append(keyed(&lobby, &bob, "key of old"), old()).await.unwrap();
    let just_after = old().plus(Duration::from_secs(1));
    stores.messages.evict(just_after, Some(Duration::ZERO), 100).await.unwrap();
    for (number, days) in (1..).zip([16, 9, 9, 2, 0, 0]) {
        let at = START.minus(DAY * days);
        let body = format!("message {number}\0\u{1f514}");
        stores.append(draft(&lobby, &ada, &body), at).await.unwrap();
    }
    let reply = Draft { reply_to: Some(Sequence(6)), ..keyed(&lobby, &bob, "a key") };
    stores.append(reply, START).await.unwrap();
    for name in ["den", "dm.ada-bob", "doomed"] {
        stores.append(keyed(&room(name), &bob, "a key"), START).await.unwrap();
    }
    amend(stores, 5, &ada, Amendment::Edit { body: "edited".into() }).await;
    amend(stores, 7, &ada, Amendment::Delete).await;
    for (who, emoji, on) in [
        (&ada, "\u{1f514}", true),
        (&bob, "+1", true),
        (&bob, "\u{1f514}", true),
        (&ada, "+1", true),
        (&ada, "\u{1f514}", false),
    ] {
        amend(stores, 8, who, Amendment::React { emoji: emoji.into(), on }).await;
    }
    stores.receipts.mark(&lobby, &bob, Sequence(9)).await.unwrap();
    stores.receipts.mark(&room("den"), &ada, Sequence(1)).await.unwrap();
}

async fn amend(stores: &Stores, seq: u64, by: &UserName, amendment: Amendment) {
    let lobby = room("lobby");
    let amended = stores.messages.amend(&lobby, Sequence(seq), by, &amendment, START).await;
    assert!(amended.unwrap());
}

/// Uploads, the last of which has lost its bytes.
async fn uploads(stores: &Stores, blobs: &dyn BlobStore) {
    let kept = [(1, "lobby", 5), (2, "den", LONG), (3, "doomed", 9), (4, "lobby", 0)];
    for (number, name, bytes) in kept {
        put_upload(stores, number, &room(name), bytes as u64).await;
        let mut writer = blobs.create().await.unwrap();
        let all: Vec<u8> = (0..bytes).map(|index| (index % 251) as u8).collect();
        for chunk in all.chunks(100_000) {
            writer.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        writer.keep(UploadId([number; 16])).await.unwrap();
    }
    put_upload(stores, 5, &room("lobby"), 77).await;
}

async fn put_upload(stores: &Stores, number: u8, room: &RoomName, bytes: u64) {
    let upload = Upload {
        id: UploadId([number; 16]),
        room: room.clone(),
        by: user("bob"),
        name: FileName::tidy("übung \"1\".pdf"),
        media_type: MediaType::Pdf,
        bytes,
        at: START,
    };
    stores.uploads.put(upload, 10_000_000).await.unwrap();
}

fn published(one_time: std::ops::Range<u32>) -> Prekeys {
    let material = |id: u32| Material::parse(vec![id as u8; 64]).unwrap();
    let signed =
        |id| SignedPrekey { id: PrekeyId(id), key: material(id), signature: material(!id) };
    Prekeys {
        identity_key: material(200),
        signed: signed(1),
        last_resort: Some(signed(9)),
        one_time: one_time
            .map(|id| OneTimePrekey { id: PrekeyId(id), key: material(id) })
            .collect(),
        kem: vec![signed(3)],
    }
}

/// Two of five are handed out, and the only kem prekey.
async fn prekeys(stores: &Stores) {
    stores.prekeys.put(&user("ada"), published(1..6), 100).await.unwrap();
    for _ in 0..2 {
        stores.prekeys.claim(&user("ada")).await.unwrap();
    }
    let without = Prekeys { last_resort: None, kem: Vec::new(), ..published(0..0) };
    stores.prekeys.put(&user("bob"), without, 100).await.unwrap();
}

async fn give_jobs(jobs: &dyn JobQueue) {
    let job = |payload: &'static str| NewJob {
        queue: QUEUE.into(),
        payload: payload.as_bytes().into(),
        due: START,
        given_at: START,
    };
    jobs.push(&["done", "dead", "again"].map(job)).await.unwrap();
    let taken = jobs.take(QUEUE, START, LEASE, 3).await.unwrap();
    let again = Settlement::Retry { at: START.plus(LEASE), error: "later\0".into() };
    let outcomes = [Settlement::Done, Settlement::Dead { error: "no use".into() }, again];
    for (job, outcome) in taken.into_iter().zip(outcomes) {
        jobs.settle(job.id, job.attempts, outcome).await.unwrap();
    }
    jobs.push(&["first", "second"].map(job)).await.unwrap();
}

/// One that is served, and one that is not any more.
async fn applications(stores: &Stores) {
    for name in ["shop", "forum"] {
        stores.apps.create(with_two_keys(name), 10).await.unwrap();
    }
    let off = AppChange {
        name: None,
        enabled: Some(false),
        settings: None,
        settings_before: None,
        at: START.plus(DAY),
    };
    let forum = AppId::parse("forum").unwrap();
    stores.apps.change(&forum, off).await.unwrap();
}

/// Users find everything where it was, and go on.
pub(super) async fn go_on(opened: &Opened) {
    let Opened { stores, jobs, .. } = opened;
    let (ada, bob, lobby) = (user("ada"), user("bob"), room("lobby"));
    let resent = Draft { reply_to: Some(Sequence(6)), ..keyed(&lobby, &bob, "a key") };
    let resent = stores.append(resent, START).await.unwrap();
    assert!(resent.duplicate && resent.message.seq() == Sequence(10), "{resent:?}");
    let next = stores.append(keyed(&lobby, &bob, "a new key"), START.plus(DAY)).await.unwrap();
    assert!(!next.duplicate && next.message.seq() == Sequence(11), "{next:?}");
    assert_eq!(next.message.id.epoch, resent.message.id.epoch);
    let all = stores.all(&lobby).await;
    let numbers: Vec<u64> = all.iter().map(|message| message.seq().0).collect();
    assert_eq!(numbers, (4..=11).collect::<Vec<_>>());
    for (name, seq) in [("silent", 1), ("emptied", 2), ("dm.ada-bob", 2)] {
        let appended = stores.append(draft(&room(name), &bob, "again"), START).await.unwrap();
        assert_eq!(appended.message.seq(), Sequence(seq), "{name}");
    }
    let held = stores.uploads.held_by(&bob).await.unwrap();
    assert_eq!(held, 5 + LONG as u64 + 77, "what is out of reach counts no longer");
    // Nothing is handed out twice, and what was published before adds nothing.
    let added = stores.prekeys.put(&ada, published(1..6), 100).await.unwrap();
    assert_eq!((added.one_time, added.kem), (0, 0));
    let claimed = stores.prekeys.claim(&ada).await.unwrap().unwrap();
    assert_eq!(claimed.one_time.map(|key| key.id), Some(PrekeyId(3)));
    assert_eq!(claimed.kem.map(|key| key.id), Some(PrekeyId(9)), "the last resort");
    let later = stores.account("later").await;
    assert!(!stores.accounts.find(&later).await.unwrap().unwrap().operator);
    let anew = stores.public("doomed", &later).await;
    assert_eq!(stores.all(&anew).await, []);
    let taken = jobs.take(QUEUE, START.plus(LEASE), LEASE, 9).await.unwrap();
    let taken: Vec<_> = taken.iter().map(|job| job.payload.as_ref()).collect();
    assert_eq!(taken, [&b"first"[..], b"second", b"again"]);
}
