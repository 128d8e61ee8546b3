//! History: pages in both directions, and what a reader may rely on while others write.

use crate::stores::{Stores, draft, numbers, room};
use campanile_core::{
    message::Sequence,
    port::{History, HistoryError, Page},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    an_empty_room_has_an_empty_history(make().await).await;
    history_scrolls_in_both_directions(make().await).await;
    a_page_at_an_edge_says_so(make().await).await;
    a_page_tells_of_the_room(make().await).await;
    readers_see_no_gap_while_others_write(make().await).await;
}

async fn read(stores: &Stores, page: Page, limit: usize) -> History {
    let history = stores.messages.history(&room("lobby"), page, limit).await;
    history.expect("the room is there")
}

async fn check(stores: &Stores, page: Page, limit: usize, expected: (&[u64], bool)) {
    let history = read(stores, page, limit).await;
    assert_eq!(
        (&*numbers(&history.messages), history.has_more),
        expected,
        "{page:?}, at most {limit}"
    );
}

async fn an_empty_room_has_an_empty_history(stores: Stores) {
    stores.owner_and_room().await;
    for page in [Page::Newest, Page::Before(Sequence(1)), Page::After(Sequence(0))] {
        let history = read(&stores, page, 10).await;
        assert_eq!((history.messages, history.has_more), (vec![], false));
        assert_eq!(history.last_seq, Sequence(0));
        assert_eq!(history.first_seq, Sequence(1));
    }
    let nowhere = room("nowhere");
    let history = stores.messages.history(&nowhere, Page::Newest, 10).await;
    assert!(matches!(history, Err(HistoryError::UnknownRoom)));
}

async fn history_scrolls_in_both_directions(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 25).await;
    let numbers: Vec<u64> = (1..=25).collect();
    let check = async |page, limit, expected| check(&stores, page, limit, expected).await;
    check(Page::Newest, 10, (&numbers[15..], true)).await;
    check(Page::Before(Sequence(16)), 10, (&numbers[5..15], true)).await;
    check(Page::Before(Sequence(6)), 10, (&numbers[..5], false)).await;
    check(Page::After(Sequence(0)), 10, (&numbers[..10], true)).await;
    check(Page::After(Sequence(10)), 10, (&numbers[10..20], true)).await;
    check(Page::After(Sequence(20)), 10, (&numbers[20..], false)).await;
    let bodies = read(&stores, Page::Newest, 2).await.messages;
    assert_eq!(*bodies[0].body, *"message 24");
    assert_eq!(*bodies[1].body, *"message 25");
}

async fn a_page_at_an_edge_says_so(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 5).await;
    let all: &[u64] = &[1, 2, 3, 4, 5];
    let check = async |page, limit, expected| check(&stores, page, limit, expected).await;
    check(Page::Newest, 5, (all, false)).await;
    check(Page::Newest, 4, (&all[1..], true)).await;
    check(Page::After(Sequence(0)), 5, (all, false)).await;
    check(Page::After(Sequence(4)), 1, (&[5], false)).await;
    check(Page::After(Sequence(3)), 1, (&[4], true)).await;
    check(Page::Before(Sequence(2)), 1, (&[1], false)).await;
    check(Page::Before(Sequence(3)), 1, (&[2], true)).await;
    for nothing in [0, 1] {
        check(Page::Before(Sequence(nothing)), 10, (&[], false)).await;
    }
    for nothing in [5, 6, u64::MAX] {
        check(Page::After(Sequence(nothing)), 10, (&[], false)).await;
    }
    for everything in [6, 7, u64::MAX] {
        check(Page::Before(Sequence(everything)), 10, (all, false)).await;
    }
    check(Page::Newest, 0, (&[], true)).await;
    check(Page::After(Sequence(4)), 0, (&[], true)).await;
    check(Page::After(Sequence(5)), 0, (&[], false)).await;
}

async fn a_page_tells_of_the_room(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 5).await;
    let found = stores.rooms.find(&lobby).await.unwrap().unwrap();
    for page in [Page::Newest, Page::Before(Sequence(1)), Page::After(Sequence(5))] {
        let history = read(&stores, page, 2).await;
        assert_eq!(history.epoch, found.epoch);
        assert_eq!(history.last_seq, Sequence(5));
        assert_eq!(history.first_seq, Sequence(1));
        for message in history.messages {
            assert_eq!(message.id.epoch, found.epoch);
        }
    }
}

async fn readers_see_no_gap_while_others_write(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (stores, done) = (stores.clone(), done.clone());
            let draft = draft(&lobby, &ada, "more");
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let appended = stores.append(draft.clone(), crate::START).await;
                    let seq = appended.unwrap().message.seq();
                    let history = read(&stores, Page::After(Sequence(seq.0 - 1)), 1).await;
                    assert_eq!(history.messages[0].seq(), seq, "one reads what one wrote");
                }
            })
        })
        .collect();
    let mut seen = Sequence(0);
    for _ in 0..100 {
        let newest = read(&stores, Page::Newest, 50).await;
        assert!(newest.last_seq >= seen, "history went back");
        seen = newest.last_seq;
        let first = seen.0.saturating_sub(49).max(1);
        let expected: Vec<u64> = (first..=seen.0).collect();
        assert_eq!(numbers(&newest.messages), expected, "up to the last");
    }
    done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
}
