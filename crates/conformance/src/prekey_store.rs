//! The promises of [`PrekeyStore`](campanile_core::port::PrekeyStore).

use crate::{stores::Stores, tasks::at_once};
use campanile_core::{
    name::UserName,
    port::{PrekeyTotals, PutPrekeysError},
    prekey::{Material, OneTimePrekey, PrekeyBundle, PrekeyCount, PrekeyId, Prekeys, SignedPrekey},
};
use std::collections::BTreeSet;

const EACH_MAX: u64 = 100;

/// Proves a prekey store.
pub async fn prekey_store(make: impl AsyncFn() -> Stores) {
    a_bundle_is_handed_out_as_it_was_put(make().await).await;
    prekeys_are_handed_out_once_and_by_rising_id(make().await).await;
    many_at_once_get_different_prekeys(make().await).await;
    what_stays_is_replaced_and_what_is_used_once_is_added(make().await).await;
    a_repeated_put_brings_nothing_back(make().await).await;
    another_identity_begins_anew(make().await).await;
    no_more_than_the_bound_are_kept(make().await).await;
    everything_is_counted(make().await).await;
}

fn material(byte: u8, bytes: usize) -> Material {
    Material::parse(vec![byte; bytes]).unwrap()
}

fn one_time(id: u32) -> OneTimePrekey {
    OneTimePrekey { id: PrekeyId(id), key: material(id as u8, 32) }
}

fn signed(id: u32, bytes: usize) -> SignedPrekey {
    SignedPrekey {
        id: PrekeyId(id),
        key: material(id as u8, bytes),
        signature: material(!id as u8, 64),
    }
}

/// What an identity publishes, with prekeys of these ids.
fn prekeys(identity: u8, one_times: &[u32], kems: &[u32]) -> Prekeys {
    Prekeys {
        identity_key: material(identity, 33),
        signed: signed(1, 32),
        last_resort: None,
        one_time: one_times.iter().copied().map(one_time).collect(),
        kem: kems.iter().map(|id| signed(*id, 1_568)).collect(),
    }
}

fn count(signed: u64, one_time: u64, kem: u64, last_resort: u64) -> PrekeyCount {
    PrekeyCount { signed, one_time, kem, last_resort }
}

impl Stores {
    async fn publish(&self, user: &UserName, prekeys: Prekeys) -> PrekeyCount {
        self.prekeys.put(user, prekeys, EACH_MAX).await.unwrap()
    }

    async fn left(&self, user: &UserName) -> PrekeyCount {
        self.prekeys.count(user).await.unwrap()
    }

    async fn claim(&self, user: &UserName) -> PrekeyBundle {
        self.prekeys.claim(user).await.unwrap().expect("the user has published")
    }
}

fn ids(bundle: &PrekeyBundle) -> (Option<u32>, Option<u32>) {
    let one_time = bundle.one_time.as_ref().map(|prekey| prekey.id.0);
    (one_time, bundle.kem.as_ref().map(|prekey| prekey.id.0))
}

async fn a_bundle_is_handed_out_as_it_was_put(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    assert_eq!(stores.left(&ada).await, PrekeyCount::default());
    assert_eq!(stores.prekeys.claim(&ada).await.unwrap(), None, "none before the first put");
    let all = Prekeys { last_resort: Some(signed(u32::MAX, 2_048)), ..prekeys(7, &[0], &[5]) };
    assert_eq!(stores.publish(&ada, all.clone()).await, count(1, 1, 1, 1));
    assert_eq!(stores.left(&ada).await, count(1, 1, 1, 1));
    let first = PrekeyBundle {
        identity_key: all.identity_key,
        signed: all.signed,
        one_time: Some(one_time(0)),
        kem: Some(signed(5, 1_568)),
    };
    assert_eq!(stores.claim(&ada).await, first);
    let later = PrekeyBundle { one_time: None, kem: all.last_resort, ..first };
    assert_eq!(stores.claim(&ada).await, later, "the last resort, when no other is left");
    assert_eq!(stores.claim(&ada).await, later, "again and again");
    assert_eq!(stores.left(&ada).await, count(1, 0, 0, 1));
    assert_eq!(stores.prekeys.claim(&bob).await.unwrap(), None, "each has their own");
}

async fn prekeys_are_handed_out_once_and_by_rising_id(stores: Stores) {
    let ada = stores.account("ada").await;
    assert_eq!(stores.publish(&ada, prekeys(7, &[30, 10, 20], &[2, 1])).await, count(1, 3, 2, 0));
    for expected in [(Some(10), Some(1)), (Some(20), Some(2)), (Some(30), None), (None, None)] {
        assert_eq!(ids(&stores.claim(&ada).await), expected);
    }
    assert_eq!(stores.left(&ada).await, count(1, 0, 0, 0));
}

async fn many_at_once_get_different_prekeys(stores: Stores) {
    let ada = stores.account("ada").await;
    let all: Vec<u32> = (1..=20).collect();
    stores.publish(&ada, prekeys(7, &all, &all)).await;
    let claimed = at_once(32, |_| {
        let (stores, ada) = (stores.clone(), ada.clone());
        async move { ids(&stores.claim(&ada).await) }
    })
    .await;
    let one_times: Vec<u32> = claimed.iter().filter_map(|(one_time, _)| *one_time).collect();
    let kems: Vec<u32> = claimed.iter().filter_map(|(_, kem)| *kem).collect();
    for handed_out in [one_times, kems] {
        assert_eq!(handed_out.len(), 20, "each is handed out");
        let different: BTreeSet<u32> = handed_out.into_iter().collect();
        assert_eq!(different.len(), 20, "and none of them twice");
    }
}

async fn what_stays_is_replaced_and_what_is_used_once_is_added(stores: Stores) {
    let ada = stores.account("ada").await;
    let first = Prekeys { last_resort: Some(signed(1, 1_568)), ..prekeys(7, &[1, 2], &[1]) };
    stores.publish(&ada, first).await;
    let second = Prekeys { signed: signed(2, 32), ..prekeys(7, &[3], &[]) };
    assert_eq!(stores.publish(&ada, second).await, count(1, 1, 0, 0));
    assert_eq!(stores.left(&ada).await, count(1, 3, 1, 0), "the last resort is gone");
    let bundle = stores.claim(&ada).await;
    assert_eq!(bundle.signed, signed(2, 32));
    assert_eq!(ids(&bundle), (Some(1), Some(1)));
    assert_eq!(ids(&stores.claim(&ada).await), (Some(2), None));
    assert_eq!(ids(&stores.claim(&ada).await), (Some(3), None));
}

async fn a_repeated_put_brings_nothing_back(stores: Stores) {
    let ada = stores.account("ada").await;
    let put = prekeys(7, &[4, 5, 5], &[4]);
    assert_eq!(
        stores.publish(&ada, put.clone()).await,
        count(1, 2, 1, 0),
        "of two with one id one"
    );
    stores.claim(&ada).await;
    assert_eq!(stores.publish(&ada, put).await, count(1, 0, 0, 0));
    assert_eq!(stores.publish(&ada, prekeys(7, &[3, 6], &[4, 5])).await, count(1, 1, 1, 0));
    assert_eq!(ids(&stores.claim(&ada).await), (Some(5), Some(5)));
    assert_eq!(ids(&stores.claim(&ada).await), (Some(6), None));
}

async fn another_identity_begins_anew(stores: Stores) {
    let ada = stores.account("ada").await;
    stores.publish(&ada, prekeys(7, &[8, 9], &[8, 9])).await;
    assert_eq!(stores.publish(&ada, prekeys(8, &[1], &[2])).await, count(1, 1, 1, 0));
    assert_eq!(stores.left(&ada).await, count(1, 1, 1, 0), "none of the old identity is left");
    let bundle = stores.claim(&ada).await;
    assert_eq!(bundle.identity_key, material(8, 33));
    assert_eq!(ids(&bundle), (Some(1), Some(2)));
}

async fn no_more_than_the_bound_are_kept(stores: Stores) {
    let ada = stores.account("ada").await;
    stores.publish(&ada, prekeys(7, &[1, 2], &[1])).await;
    for too_many in
        [prekeys(7, &[3, 4], &[]), prekeys(7, &[], &[2, 3, 4]), prekeys(8, &[1, 2, 3, 4], &[])]
    {
        let too_many = Prekeys { signed: signed(9, 32), ..too_many };
        let refused = stores.prekeys.put(&ada, too_many, 3).await;
        assert!(matches!(refused, Err(PutPrekeysError::TooMany)), "{refused:?}");
    }
    assert_eq!(stores.left(&ada).await, count(1, 2, 1, 0));
    stores.prekeys.put(&ada, prekeys(7, &[1, 2, 3], &[1, 2]), 3).await.unwrap();
    assert_eq!(stores.left(&ada).await, count(1, 3, 2, 0), "known ones do not count twice");
    let bundle = stores.claim(&ada).await;
    assert_eq!((bundle.identity_key, bundle.signed), (material(7, 33), signed(1, 32)));
}

async fn everything_is_counted(stores: Stores) {
    assert_eq!(stores.prekeys.totals(2).await.unwrap(), PrekeyTotals::default());
    let (ada, bob, eve) =
        (stores.account("ada").await, stores.account("bob").await, stores.account("eve").await);
    stores.publish(&ada, prekeys(7, &[1, 2], &[1])).await;
    stores
        .publish(&bob, Prekeys { last_resort: Some(signed(1, 32)), ..prekeys(8, &[1], &[]) })
        .await;
    stores.publish(&eve, prekeys(9, &[1], &[])).await;
    stores.claim(&eve).await;
    let totals = stores.prekeys.totals(2).await.unwrap();
    assert_eq!(totals, PrekeyTotals { left: count(3, 3, 1, 1), users_low: 2, users_exhausted: 1 });
}
