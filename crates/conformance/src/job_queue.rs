//! The promises of [`JobQueue`].

use crate::{stores::START, tasks::at_once};
use campanile_core::{
    port::{Backlog, Job, JobId, JobQueue, NewJob, Settlement},
    time::Timestamp,
};
use std::{collections::HashSet, sync::Arc, time::Duration};

const QUEUE: &str = "webhooks";
const LEASE: Duration = Duration::from_secs(30);

/// Proves a job queue.
pub async fn job_queue(make: impl AsyncFn() -> Arc<dyn JobQueue>) {
    a_job_is_taken_once_it_is_due(&*make().await).await;
    jobs_are_taken_in_the_order_in_which_they_are_due(&*make().await).await;
    no_two_takers_get_the_same_job(make().await).await;
    a_job_whose_taker_died_is_due_again(&*make().await).await;
    a_job_that_failed_comes_again_at_its_time(&*make().await).await;
    who_comes_too_late_settles_nothing(&*make().await).await;
    what_was_given_up_is_listed_and_revived(&*make().await).await;
    a_backlog_says_what_waits(&*make().await).await;
}

fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn job(payload: &'static str, due: Timestamp) -> NewJob {
    let payload = payload.as_bytes().into();
    NewJob { queue: QUEUE.into(), payload, due, given_at: START }
}

async fn take(jobs: &dyn JobQueue, now: Timestamp) -> Vec<Job> {
    jobs.take(QUEUE, now, LEASE, 100).await.unwrap()
}

/// Pushes one job that is due, and takes it.
async fn taken(jobs: &dyn JobQueue) -> Job {
    jobs.push(&[job("work", START)]).await.unwrap();
    take(jobs, START).await.remove(0)
}

async fn a_job_is_taken_once_it_is_due(jobs: &dyn JobQueue) {
    jobs.push(&[]).await.unwrap();
    jobs.push(&[job("a\0\u{1f514}", later(10))]).await.unwrap();
    assert_eq!(take(jobs, later(9)).await, []);
    let other = jobs.take("other", later(10), LEASE, 100).await.unwrap();
    assert_eq!(other, [], "it waits in its own queue");
    let taken = take(jobs, later(10)).await;
    assert_eq!(taken.len(), 1);
    assert_eq!(&taken[0].payload[..], "a\0\u{1f514}".as_bytes());
    assert_eq!((taken[0].attempts, taken[0].given_at), (1, START));
    assert_eq!(taken[0].error, "");
    assert_eq!(take(jobs, later(10)).await, [], "somebody has it");
    let settled = jobs.settle(taken[0].id, 1, Settlement::Done).await;
    assert!(settled.unwrap());
    assert_eq!(take(jobs, later(1_000)).await, [], "it is done");
}

async fn jobs_are_taken_in_the_order_in_which_they_are_due(jobs: &dyn JobQueue) {
    jobs.push(&[job("third", later(3)), job("first", later(1)), job("second", later(2))])
        .await
        .unwrap();
    let first = jobs.take(QUEUE, later(3), LEASE, 2).await.unwrap();
    let payloads: Vec<_> = first.iter().map(|job| &job.payload[..]).collect();
    assert_eq!(payloads, [b"first".as_slice(), b"second"]);
    let rest = jobs.take(QUEUE, later(3), LEASE, 2).await.unwrap();
    assert_eq!(&rest[0].payload[..], b"third");
}

async fn no_two_takers_get_the_same_job(jobs: Arc<dyn JobQueue>) {
    const JOBS: usize = 60;
    let many: Vec<_> = (0..JOBS).map(|_| job("work", START)).collect();
    jobs.push(&many).await.unwrap();
    let taken = at_once(6, |_| {
        let jobs = jobs.clone();
        async move {
            let mut taken = Vec::new();
            loop {
                let some = jobs.take(QUEUE, START, LEASE, 4).await.unwrap();
                if some.is_empty() {
                    return taken;
                }
                taken.extend(some.into_iter().map(|job| job.id));
            }
        }
    })
    .await;
    let all: Vec<JobId> = taken.into_iter().flatten().collect();
    let different: HashSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "each job has one taker");
    // Who asks while another is just taking may be told that there are none.
    let left = take(&*jobs, START).await.len();
    assert_eq!(all.len() + left, JOBS);
}

async fn a_job_whose_taker_died_is_due_again(jobs: &dyn JobQueue) {
    let first = taken(jobs).await;
    assert_eq!(take(jobs, later(29)).await, []);
    let again = take(jobs, later(30)).await;
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].id, again[0].attempts), (first.id, 2));
}

async fn a_job_that_failed_comes_again_at_its_time(jobs: &dyn JobQueue) {
    let job = taken(jobs).await;
    let retry = Settlement::Retry { at: later(60), error: "no answer".into() };
    assert!(jobs.settle(job.id, 1, retry).await.unwrap());
    assert_eq!(take(jobs, later(59)).await, [], "not before");
    let again = take(jobs, later(60)).await;
    assert_eq!((again[0].id, again[0].attempts), (job.id, 2));
    assert_eq!(again[0].error, "no answer");
    assert!(jobs.settle(job.id, 2, Settlement::Done).await.unwrap());
}

async fn who_comes_too_late_settles_nothing(jobs: &dyn JobQueue) {
    let job = taken(jobs).await;
    let again = take(jobs, later(30)).await;
    assert_eq!(again[0].attempts, 2);
    assert!(!jobs.settle(job.id, 1, Settlement::Done).await.unwrap(), "another has it now");
    let dead = Settlement::Dead { error: "late".into() };
    assert!(!jobs.settle(job.id, 1, dead).await.unwrap());
    assert!(jobs.settle(job.id, 2, Settlement::Done).await.unwrap());
    assert!(!jobs.settle(job.id, 2, Settlement::Done).await.unwrap(), "it is gone");
    assert!(!jobs.settle(JobId(1 << 40), 1, Settlement::Done).await.unwrap());
}

async fn what_was_given_up_is_listed_and_revived(jobs: &dyn JobQueue) {
    let mut ids = Vec::new();
    for _ in 0..3 {
        let job = taken(jobs).await;
        let dead = Settlement::Dead { error: "refused".into() };
        assert!(jobs.settle(job.id, 1, dead).await.unwrap());
        ids.push(job.id);
    }
    assert_eq!(take(jobs, later(10_000)).await, [], "nobody takes what was given up");
    let listed = async |after, limit| {
        let dead = jobs.dead(QUEUE, after, limit).await.unwrap();
        dead.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 10).await, ids);
    assert_eq!(listed(Some(ids[0]), 1).await, [ids[1]]);
    let dead = jobs.dead(QUEUE, None, 1).await.unwrap();
    assert_eq!((dead[0].attempts, dead[0].error.as_str()), (1, "refused"));
    assert_eq!(jobs.dead("other", None, 10).await.unwrap(), []);
    let revived = jobs.revive(&[ids[1], JobId(1 << 40)], later(5)).await.unwrap();
    assert_eq!(revived, 1);
    assert_eq!(listed(None, 10).await, [ids[0], ids[2]]);
    let again = take(jobs, later(5)).await;
    assert_eq!((again[0].id, again[0].attempts), (ids[1], 1), "as if never tried");
    assert_eq!(jobs.revive(&[ids[1]], later(5)).await.unwrap(), 0, "it is not dead");
}

async fn a_backlog_says_what_waits(jobs: &dyn JobQueue) {
    assert_eq!(jobs.backlog(QUEUE).await.unwrap(), Backlog::default());
    let young = NewJob { given_at: later(5), ..job("young", later(100)) };
    jobs.push(&[young, job("old", later(7))]).await.unwrap();
    let waiting = Backlog { pending: 2, dead: 0, oldest: Some(START) };
    assert_eq!(jobs.backlog(QUEUE).await.unwrap(), waiting);
    let old = take(jobs, later(7)).await.remove(0);
    assert_eq!(jobs.backlog(QUEUE).await.unwrap(), waiting, "one is being done");
    let dead = Settlement::Dead { error: String::new() };
    jobs.settle(old.id, 1, dead).await.unwrap();
    let left = Backlog { pending: 1, dead: 1, oldest: Some(later(5)) };
    assert_eq!(jobs.backlog(QUEUE).await.unwrap(), left);
}
