//! What users and operators see of a store, as a text to compare.

use super::{Opened, world};
use crate::stores::{START, room, user};
use campanile_core::upload::UploadId;
use std::fmt::Write;

/// What precedes the bytes of uploads, which are last.
const BYTES: &str = "bytes of uploads\n";

/// A picture of everything.
pub(super) async fn of(opened: &Opened) -> String {
    let mut picture = without_bytes(opened).await;
    picture.push_str(BYTES);
    for number in 1..=5 {
        if number == 3 {
            // Its room was deleted.
            continue;
        }
        let read = opened.blobs.read(UploadId([number; 16])).await.unwrap();
        let Some(mut reader) = read else {
            writeln!(picture, "{number}: none").unwrap();
            continue;
        };
        let mut all = Vec::new();
        while let Some(chunk) = reader.read().await.unwrap() {
            all.extend_from_slice(&chunk);
        }
        let sum: u64 = all.iter().map(|byte| u64::from(*byte)).sum();
        writeln!(picture, "{number}: {} bytes, {sum}", all.len()).unwrap();
    }
    picture
}

/// A picture without the bytes of uploads.
pub(super) fn cut(picture: &str) -> &str {
    picture.split(BYTES).next().unwrap_or_default()
}

/// A picture of everything but the bytes of uploads.
pub(super) async fn without_bytes(opened: &Opened) -> String {
    let Opened { stores, jobs, .. } = opened;
    let mut picture = String::new();
    macro_rules! add {
        ($value:expr) => {
            writeln!(picture, "{:?}", $value.await.unwrap()).unwrap()
        };
    }
    for name in ["ada", "bob", "eve"] {
        let user = user(name);
        let account = stores.accounts.find(&user).await.unwrap().unwrap();
        writeln!(picture, "{account:?} {}", account.password.0).unwrap();
        add!(stores.rooms.list(&user, None, 100));
        add!(stores.members.rooms_of(&user));
        add!(stores.prekeys.count(&user));
        for one in stores.pushes.of(&user, START).await.unwrap() {
            writeln!(picture, "{} {:?} {:?}", one.endpoint.as_str(), one.p256dh, one.auth).unwrap();
        }
    }
    add!(stores.invites.list(START, 10));
    for number in 1..=3 {
        add!(stores.sessions.find(world::token(number), START));
    }
    let names = ["lobby", "den", "dm.ada-bob", "silent", "emptied"].map(room);
    for name in &names {
        add!(stores.members.members(name, None, 100));
        add!(stores.receipts.receipts(name, 100));
        add!(stores.messages.history(name, campanile_core::port::Page::Newest, 100));
    }
    add!(stores.messages.heads(&names));
    for number in 1..=5 {
        add!(stores.uploads.find(UploadId([number; 16])));
    }
    for app in stores.apps.list().await.unwrap().all {
        let secrets: Vec<&str> = app.keys.iter().map(|key| key.secret.0.as_str()).collect();
        writeln!(picture, "{app:?} {secrets:?}").unwrap();
    }
    add!(jobs.backlog(world::QUEUE));
    for job in jobs.dead(world::QUEUE, None, 10).await.unwrap() {
        // Its id is another.
        let (payload, given_at) = (job.payload, job.given_at);
        writeln!(picture, "{payload:?} {given_at:?} {} {}", job.attempts, job.error).unwrap();
    }
    picture
}

/// Shows where two pictures differ first, if they do.
pub(super) fn assert_same(one: &str, other: &str) {
    for (one, other) in one.lines().zip(other.lines()) {
        assert_eq!(one, other);
    }
    assert_eq!(one.lines().count(), other.lines().count());
}
