//! The promises of [`Export`] and [`Import`], proved together: what is moved from one store to
//! another is there as it was, and the other goes on.

mod picture;
mod world;

use crate::stores::{START, Stores};
use async_trait::async_trait;
use campanile_core::{
    port::{BeginError, BlobStore, Export, Import, JobQueue, Progress},
    transfer::{Comparison, Part, Record, Source, Target, compare, move_all},
};
use std::{collections::HashSet, sync::Arc};

/// How the tests call the source.
const SOURCE: &str = "the source";

/// A place for one store, which is empty at first.
#[async_trait]
pub trait Movable: Send + Sync {
    /// Opens the store as a server does; or why not.
    async fn open(&self) -> Result<Opened, String>;

    /// Opens it to read everything.
    async fn export(&self) -> Box<dyn Export>;

    /// Opens it to fill it.
    async fn import(&self) -> Box<dyn Import>;

    /// The bytes of its uploads.
    async fn blobs(&self) -> Arc<dyn BlobStore>;
}

/// A store that a server uses.
pub struct Opened {
    /// Its ports.
    pub stores: Stores,
    /// Its jobs.
    pub jobs: Arc<dyn JobQueue>,
    /// The bytes of its uploads.
    pub blobs: Arc<dyn BlobStore>,
    /// Lets go of it.
    pub close: Box<dyn FnOnce() -> Closing + Send>,
}

/// The end of a store.
pub type Closing = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Proves that one kind of store can be moved to another.
pub async fn transfer(
    make_source: impl AsyncFn() -> Box<dyn Movable>,
    make_target: impl AsyncFn() -> Box<dyn Movable>,
) {
    everything_arrives_and_goes_on(&*make_source().await, &*make_target().await).await;
    an_empty_store_can_be_moved(&*make_source().await, &*make_target().await).await;
    a_move_goes_on_where_it_was_left(&*make_source().await, &*make_target().await).await;
    what_is_not_noted_is_not_written(&*make_source().await, &*make_target().await).await;
    a_store_that_holds_something_is_left_as_it_is(&*make_target().await).await;
    a_store_of_another_source_is_left_as_it_is(&*make_target().await).await;
    an_unfinished_store_is_opened_by_nobody(&*make_target().await).await;
    a_missing_record_is_noticed(&*make_source().await, &*make_target().await).await;
}

async fn everything_arrives_and_goes_on(source: &dyn Movable, target: &dyn Movable) {
    let before = world::fill(source).await;
    move_whole(source, target).await;
    for comparison in prove(source, target).await {
        assert!(comparison.is_equal(), "{comparison:?}");
        assert!(comparison.source.count > 0, "nothing of {} was moved", comparison.what);
    }
    let opened = target.open().await.unwrap();
    picture::assert_same(&picture::of(&opened).await, &before);
    world::go_on(&opened).await;
    (opened.close)().await;
}

async fn an_empty_store_can_be_moved(source: &dyn Movable, target: &dyn Movable) {
    close(source.open().await.unwrap()).await;
    move_whole(source, target).await;
    assert!(prove(source, target).await.iter().all(Comparison::is_equal));
    let opened = target.open().await.unwrap();
    opened.stores.account("first").await;
    close(opened).await;
}

/// A record at a time, each over a new connection, and at every one of them the power goes.
async fn a_move_goes_on_where_it_was_left(source: &dyn Movable, target: &dyn Movable) {
    let before = world::fill(source).await;
    let mut export = source.export().await;
    let mut here = target.import().await.begin(SOURCE).await.unwrap();
    assert_eq!(here, Progress::START);
    let mut seen: HashSet<(Part, Vec<u8>)> = HashSet::new();
    while let Some(part) = here.part {
        let batch = export.read(part, here.after.as_ref(), 1).await.unwrap();
        let next = match batch.end {
            Some(end) => {
                assert!(seen.insert((part, end.0.clone())), "a record came twice");
                Progress { part: Some(part), after: Some(end), moved: here.moved + 1 }
            }
            None => {
                assert_eq!(here.moved, export.count(part).await.unwrap(), "{part:?}");
                Progress::at(part.next())
            }
        };
        let mut import = target.import().await;
        import.write(&here, &batch.records, &next).await.unwrap();
        drop(import);
        here = target.import().await.begin(SOURCE).await.unwrap();
        assert_eq!(here, next);
    }
    export.close().await;
    move_whole(source, target).await;
    // Bytes were not part of it.
    let compared = prove(source, target).await;
    assert!(compared[..Part::ALL.len()].iter().all(Comparison::is_equal), "{compared:?}");
    let opened = target.open().await.unwrap();
    picture::assert_same(&picture::without_bytes(&opened).await, picture::cut(&before));
    close(opened).await;
}

async fn what_is_not_noted_is_not_written(source: &dyn Movable, target: &dyn Movable) {
    let opened = source.open().await.unwrap();
    for name in ["ada", "bob", "eve"] {
        opened.stores.account(name).await;
    }
    close(opened).await;
    let mut export = source.export().await;
    let batch = export.read(Part::Accounts, None, 2).await.unwrap();
    assert_eq!(batch.records.len(), 2);
    let next = Progress { part: Some(Part::Accounts), after: batch.end, moved: 2 };
    let mut import = target.import().await;
    let start = import.begin(SOURCE).await.unwrap();
    import.write(&start, &batch.records, &next).await.unwrap();
    import.write(&start, &batch.records, &next).await.unwrap_err();
    // A member of a room that is not there.
    let members = Progress::at(Some(Part::Members));
    import.write(&next, &[], &members).await.unwrap();
    let stray: Vec<Record> = vec![stray_member()];
    import.write(&members, &stray, &Progress::at(None)).await.unwrap_err();
    assert_eq!(import.begin(SOURCE).await.unwrap(), members);
    export.close().await;
}

async fn a_store_that_holds_something_is_left_as_it_is(target: &dyn Movable) {
    let opened = target.open().await.unwrap();
    opened.stores.account("ada").await;
    close(opened).await;
    let mut import = target.import().await;
    let begun = import.begin(SOURCE).await;
    assert!(matches!(begun, Err(BeginError::NotEmpty("accounts"))), "{begun:?}");
    drop(import);
    let opened = reopen(target).await;
    assert_eq!(opened.stores.accounts.count().await.unwrap(), 1);
    close(opened).await;
}

async fn a_store_of_another_source_is_left_as_it_is(target: &dyn Movable) {
    let mut import = target.import().await;
    import.begin("another source").await.unwrap();
    let begun = import.begin(SOURCE).await;
    assert!(matches!(&begun, Err(BeginError::Another(of)) if of == "another source"), "{begun:?}");
}

async fn an_unfinished_store_is_opened_by_nobody(target: &dyn Movable) {
    let mut import = target.import().await;
    import.begin(SOURCE).await.unwrap();
    drop(import);
    let refused = target.open().await.err().expect("it is not finished");
    assert!(refused.contains("is not finished"), "{refused}");
    target.import().await.finish().await.unwrap();
    close(target.open().await.unwrap()).await;
}

async fn a_missing_record_is_noticed(source: &dyn Movable, target: &dyn Movable) {
    world::fill(source).await;
    move_whole(source, target).await;
    let opened = target.open().await.unwrap();
    opened.stores.sessions.end(world::token(3)).await.unwrap();
    close(opened).await;
    let compared = prove(source, target).await;
    let differ: Vec<_> = compared.iter().filter(|comparison| !comparison.is_equal()).collect();
    assert!(matches!(differ.as_slice(), [only] if only.what == "sessions"), "{differ:?}");
}

async fn move_whole(source: &dyn Movable, target: &dyn Movable) {
    let mut from = Source { records: source.export().await, blobs: source.blobs().await };
    let mut to = Target { records: target.import().await, blobs: target.blobs().await };
    let begun = to.records.begin(SOURCE).await.unwrap();
    move_all(&mut from, &mut to, begun, &mut |_| {}).await.unwrap();
    from.records.close().await;
    to.records.finish().await.unwrap();
}

async fn prove(source: &dyn Movable, target: &dyn Movable) -> Vec<Comparison> {
    let mut from = Source { records: source.export().await, blobs: source.blobs().await };
    let mut copy = Source { records: target.export().await, blobs: target.blobs().await };
    let compared = compare(&mut from, &mut copy, &mut |_| {}).await.unwrap();
    from.records.close().await;
    copy.records.close().await;
    compared
}

/// Opens what was just let go of, which may take a moment to be free.
async fn reopen(place: &dyn Movable) -> Opened {
    for _ in 0..1_000 {
        if let Ok(opened) = place.open().await {
            return opened;
        }
        tokio::task::yield_now().await;
    }
    place.open().await.unwrap()
}

async fn close(opened: Opened) {
    let Opened { stores, jobs, blobs, close } = opened;
    close().await;
    drop((stores, jobs, blobs));
}

fn stray_member() -> Record {
    use campanile_core::transfer::Value::{Integer, Text};
    let name = |name: &str| Text(name.to_owned());
    vec![name("nowhere"), name("ada"), Integer(0), Integer(START.0), Integer(0)]
}
