//! The promises of [`UploadStore`](campanile_core::port::UploadStore).

use crate::{
    stores::{START, Stores, room, user},
    tasks::at_once,
};
use campanile_core::{
    name::{RoomName, UserName},
    port::PutUploadError,
    upload::{FileName, MediaType, Upload, UploadId},
};

const QUOTA: u64 = 1_000;

/// Proves an upload store.
pub async fn upload_store(make: impl AsyncFn() -> Stores) {
    an_upload_is_found_as_it_was_put(make().await).await;
    only_members_put(make().await).await;
    nobody_holds_more_than_the_quota(make().await).await;
    many_at_once_do_not_go_beyond_the_quota(make().await).await;
    uploads_go_with_their_room(make().await).await;
    what_is_forgotten_is_gone(make().await).await;
}

fn upload(number: u8, room: &RoomName, by: &UserName, bytes: u64) -> Upload {
    Upload {
        id: UploadId([number; 16]),
        room: room.clone(),
        by: by.clone(),
        name: FileName::tidy("übung \"1\".pdf"),
        media_type: MediaType::Pdf,
        bytes,
        at: START,
    }
}

async fn an_upload_is_found_as_it_was_put(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    for (number, media_type) in (0..).zip(MediaType::ALL) {
        let upload = Upload { media_type, ..upload(number, &lobby, &ada, 10) };
        stores.uploads.put(upload.clone(), QUOTA).await.unwrap();
        let found = stores.uploads.find(upload.id).await.unwrap();
        assert_eq!(found, Some(upload));
    }
    let count = MediaType::ALL.len() as u64;
    assert_eq!(stores.uploads.held_by(&ada).await.unwrap(), count * 10);
    assert_eq!(stores.uploads.held_by(&user("nobody")).await.unwrap(), 0);
    assert_eq!(stores.uploads.held().await.unwrap(), count * 10);
    assert_eq!(stores.uploads.find(UploadId([99; 16])).await.unwrap(), None);
}

async fn only_members_put(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let stranger = stores.account("stranger").await;
    let put = stores.uploads.put(upload(1, &lobby, &stranger, 1), QUOTA).await;
    assert!(matches!(put, Err(PutUploadError::NotMember)), "{put:?}");
    let put = stores.uploads.put(upload(1, &room("nowhere"), &ada, 1), QUOTA).await;
    assert!(matches!(put, Err(PutUploadError::UnknownRoom)), "{put:?}");
    assert_eq!(stores.uploads.held().await.unwrap(), 0);
}

async fn nobody_holds_more_than_the_quota(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let bob = stores.account("bob").await;
    stores.join(&lobby, &bob).await;
    let put = async |number, by: &UserName, bytes| {
        stores.uploads.put(upload(number, &lobby, by, bytes), QUOTA).await
    };
    put(1, &ada, QUOTA - 1).await.unwrap();
    let refused = put(2, &ada, 2).await;
    assert!(matches!(refused, Err(PutUploadError::Quota)), "{refused:?}");
    put(3, &ada, 1).await.expect("the quota may be used up");
    put(4, &bob, QUOTA).await.expect("each has a quota");
    assert_eq!(stores.uploads.held_by(&ada).await.unwrap(), QUOTA);
    assert_eq!(stores.uploads.find(UploadId([2; 16])).await.unwrap(), None);
}

async fn many_at_once_do_not_go_beyond_the_quota(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let puts = at_once(16, |index| {
        let (stores, lobby, ada) = (stores.clone(), lobby.clone(), ada.clone());
        async move { stores.uploads.put(upload(index as u8, &lobby, &ada, 300), QUOTA).await }
    })
    .await;
    assert_eq!(puts.iter().filter(|put| put.is_ok()).count(), 3);
    assert_eq!(stores.uploads.held_by(&ada).await.unwrap(), 900);
}

async fn uploads_go_with_their_room(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let other = stores.public("other", &ada).await;
    for (number, room) in [(1, &lobby), (2, &lobby), (3, &other)] {
        stores.uploads.put(upload(number, room, &ada, 10), QUOTA).await.unwrap();
    }
    assert_eq!(stores.uploads.orphans(10).await.unwrap(), []);
    stores.rooms.delete(&lobby).await.unwrap();
    let found = async |number| stores.uploads.find(UploadId([number; 16])).await.unwrap();
    assert_eq!(found(1).await, None);
    stores.public("lobby", &ada).await;
    assert_eq!(found(1).await, None, "not in a later room of the same name either");
    assert!(found(3).await.is_some(), "other rooms keep theirs");
    let mut orphans = stores.uploads.orphans(10).await.unwrap();
    orphans.sort();
    assert_eq!(orphans, [UploadId([1; 16]), UploadId([2; 16])]);
    assert_eq!(stores.uploads.orphans(1).await.unwrap().len(), 1);
    assert_eq!(stores.uploads.held_by(&ada).await.unwrap(), 30, "until they are forgotten");
    stores.uploads.forget(&orphans).await.unwrap();
    assert_eq!(stores.uploads.orphans(10).await.unwrap(), []);
    assert_eq!(stores.uploads.held_by(&ada).await.unwrap(), 10);
}

async fn what_is_forgotten_is_gone(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.uploads.put(upload(1, &lobby, &ada, 10), QUOTA).await.unwrap();
    stores.uploads.forget(&[]).await.unwrap();
    stores.uploads.forget(&[UploadId([1; 16]), UploadId([9; 16])]).await.unwrap();
    assert_eq!(stores.uploads.find(UploadId([1; 16])).await.unwrap(), None);
    assert_eq!(stores.uploads.held().await.unwrap(), 0);
}
