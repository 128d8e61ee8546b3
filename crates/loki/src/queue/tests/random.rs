//! The queue, whatever comes in whatever order: every line is somewhere, and none comes twice.

use super::*;
use proptest::{collection::vec, prelude::*};

/// What can happen to a queue.
#[derive(Clone, Debug)]
enum Step {
    /// Lines of so many bytes come in.
    Take(Vec<usize>),
    /// The push whose turn it is is made.
    Lease,
    /// It is accepted, refused, or to be made again.
    Sent,
    Rejected,
    Released,
    /// The process is killed, and started again.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(1_usize..400, 1..12).prop_map(Step::Take),
        3 => Just(Step::Lease),
        2 => Just(Step::Sent),
        1 => Just(Step::Rejected),
        2 => Just(Step::Released),
        1 => Just(Step::Kill),
    ]
}

const NARROW: Bounds = Bounds {
    memory_bytes: 4_000,
    spool_bytes: 6_000,
    entries: 60,
    push_bytes: 700,
    push_entries: 7,
    line_bytes: 350,
    value_bytes: usize::MAX,
    age: WIDE.age,
};

fn number(line: &str) -> u64 {
    line.split(' ').next().expect("a number").parse().expect("a number")
}

/// Takes the steps; `survives` says whether lines outlive the process.
fn check(steps: Vec<Step>, start: &dyn Fn() -> Tested, survives: bool) {
    let mut tested = start();
    let (mut next, mut sent, mut leased) = (0_u64, Vec::new(), None);
    for step in steps {
        match step {
            Step::Take(lengths) => {
                let lines = lengths.iter().map(|length| {
                    next += 1;
                    let noise = noise(next, *length);
                    format!("{next} {noise}")
                });
                let lines: Vec<_> = lines.collect();
                tested.take(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            }
            Step::Lease if leased.is_none() => leased = tested.queue.lease(),
            Step::Sent => {
                if let Some(push) = leased.take() {
                    let lines = Batch::decode(&push.body).expect("a push").into_lines();
                    sent.extend(lines.map(|(_, entry)| number(&entry.line)));
                    tested.queue.sent(&push);
                }
            }
            Step::Rejected if leased.take().is_some() => tested.queue.rejected(),
            Step::Released if leased.take().is_some() => tested.queue.released(),
            Step::Kill if survives => {
                let waiting = tested.ledger.status().queued;
                leased = None;
                drop(tested);
                tested = start();
                assert_eq!(tested.ledger.status().accepted, waiting, "what waited is found");
            }
            Step::Lease | Step::Rejected | Step::Released | Step::Kill => {}
        }
        let status = tested.ledger.status();
        assert!(status.is_balanced(), "{status:?}");
        assert_eq!(status.queued, tested.queue.level().lines);
        // What is on its way cannot make room.
        assert!(status.queued <= NARROW.entries + NARROW.push_entries, "{status:?}");
        assert!(status.memory_bytes <= NARROW.memory_bytes + 1_000, "{status:?}");
        assert!(status.spool_bytes <= NARROW.spool_bytes + 1_000, "{status:?}");
    }
    if leased.take().is_some() {
        tested.queue.released();
    }
    sent.extend(tested.send_all().iter().map(|line| number(line)));
    assert!(sent.is_sorted_by(|one, other| one < other), "in order, and none twice: {sent:?}");
    assert_eq!(tested.ledger.status().queued, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_memory(steps in vec(step(), 1..60)) {
        check(steps, &|| queue(NARROW), false);
    }

    #[test]
    fn in_the_spool(steps in vec(step(), 1..40)) {
        let directory = directory();
        check(steps, &|| spooling(NARROW, directory.path()), true);
    }
}
