//! A process that is killed at any moment has lost nothing that it answered.
//!
//! This program starts itself as a child that appends and tells each number it was answered, kills
//! it without warning, and looks for every one of them. Several rounds, in one file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "it has no harness that tells how it went")]

use campanile_adapter_sqlite::Config;
use campanile_conformance::{START, Stores, room, user};
use campanile_core::{message::Draft, room::RoomKind};
use campanile_metrics::Registry;
use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

const ROUNDS: usize = 6;
const ROOMS: usize = 3;
const WRITERS: usize = 16;

/// The argument that makes it the child.
const CHILD: &str = "append-until-killed";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, argument, path] if argument == CHILD => append(Path::new(path)).await,
        _ => kill().await,
    }
}

async fn kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let stores = open(&path).await;
    let owner = stores.account("owner").await;
    for index in 0..ROOMS {
        let name = format!("room-{index}");
        stores.room(&name, RoomKind::Public, &owner).await;
    }
    drop(stores);
    let mut answered: HashSet<(usize, u64)> = HashSet::new();
    for round in 1..=ROUNDS {
        // Later each round, to be hit at another moment.
        let told = run_child(&path, 150 * round);
        for answer in told {
            assert!(answered.insert(answer), "a number was given twice");
        }
        let mut kept = 0;
        let stores = open(&path).await;
        for index in 0..ROOMS {
            let all = stores.all(&room(&format!("room-{index}"))).await;
            let seqs: Vec<u64> = all.iter().map(|message| message.seq().0).collect();
            let expected: Vec<u64> = (1..=seqs.len() as u64).collect();
            assert_eq!(seqs, expected, "no gap and no repeat");
            let lost: Vec<_> = answered
                .iter()
                .filter(|(place, seq)| *place == index && *seq > seqs.len() as u64)
                .collect();
            assert!(lost.is_empty(), "answered and lost: {lost:?}");
            kept += seqs.len();
        }
        let count = answered.len();
        println!("round {round}: {count} answered, {kept} kept, none lost");
    }
}

/// Lets a child append until it has told so many answers, kills it, and gives all that it told.
fn run_child(path: &Path, answers_min: usize) -> Vec<(usize, u64)> {
    let program = std::env::current_exe().unwrap();
    let mut child =
        Command::new(program).arg(CHILD).arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    while told.len() < answers_min {
        told.push(parse(&lines.next().expect("it goes on").unwrap()));
    }
    child.kill().unwrap();
    // What it told before it died counts too, but not a line it did not finish.
    let mut rest: Vec<String> = lines.map_while(Result::ok).collect();
    rest.retain(|line| line.ends_with('.'));
    told.extend(rest.iter().map(|line| parse(line)));
    child.wait().unwrap();
    told
}

fn parse(line: &str) -> (usize, u64) {
    let (place, seq) = line.trim_end_matches('.').split_once(' ').unwrap();
    (place.parse().unwrap(), seq.parse().unwrap())
}

async fn append(path: &Path) {
    let stores = open(path).await;
    let mut writers = tokio::task::JoinSet::new();
    for index in 0..WRITERS {
        let stores = stores.clone();
        writers.spawn(async move {
            let place = index % ROOMS;
            let draft = Draft {
                room: room(&format!("room-{place}")),
                from: user("owner"),
                body: "said before the end".into(),
                key: None,
                reply_to: None,
            };
            loop {
                let appended = stores.append(draft.clone(), START).await.unwrap();
                let line = format!("{place} {}.\n", appended.message.seq().0);
                // In one piece, so that lines of several writers do not mix.
                let mut out = std::io::stdout().lock();
                if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
                    return;
                }
            }
        });
    }
    writers.join_all().await;
}

async fn open(path: &Path) -> Stores {
    let store = Config::new(path).open(Registry::global()).await;
    Stores::of(Arc::new(store.expect("the store opens after a crash")))
}
