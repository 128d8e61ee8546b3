//! What cannot work is refused at the start, in one line that says what is wrong, and without a
//! secret in it.

use campanile_neighbours::{Postgres, Redis, free_port};
use std::process::Command;

/// What `serve` says on its standard error, on one line, and what it ends with.
fn refusal(settings: &[(&str, &str)]) -> (i32, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
        command.env_clear().envs(settings.iter().copied()).current_dir(directory.path());
        command.args(words).args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]);
        command.output().expect("it starts")
    };
    let served = run(&["serve"]);
    let said = String::from_utf8(served.stderr).expect("text");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let checked = run(&["check", "modules"]);
    let found = String::from_utf8(checked.stdout).expect("text");
    assert!(!checked.status.success(), "{found}");
    assert!(found.contains("WRONG"), "{found}");
    assert!(!found.contains("hunter2"), "{found}");
    (served.status.code().expect("it ends by itself"), said)
}

#[track_caller]
fn is_refused(settings: &[(&str, &str)], words: &[&str]) {
    let (code, said) = refusal(settings);
    assert_eq!(code, 2, "what is set is wrong: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

const STORE: &str = "CAMPANILE_STORE__URL";
const BUS: &str = "CAMPANILE_BUS__URL";

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_database_that_cannot_be_used() {
    let postgres = Postgres::start();
    let url = postgres.create_database("chat");
    let wrong = url.replace("a%20password", "hunter2");
    is_refused(&[(STORE, &wrong)], &["refuses this user", "127.0.0.1"]);
    is_refused(
        &[(STORE, &url), ("CAMPANILE_STORE__PASSWORD", "hunter2 hunter2")],
        &["refuses this user"],
    );
    is_refused(&[(STORE, &postgres.url("nowhere"))], &["refuses this user", "nowhere"]);
    let nobody = format!("postgres://campanile:hunter2@127.0.0.1:{}/chat", free_port());
    is_refused(&[(STORE, &nobody)], &["cannot reach the database"]);
    is_refused(&[(STORE, "postgre://campanile:hunter2@127.0.0.1/chat")], &["store.url", "postgre"]);
    is_refused(&[(STORE, "postgres://127.0.0.1:port/chat")], &["not the url of a database"]);

    let foreign = postgres.create_database("foreign");
    postgres.sql("foreign", "CREATE TABLE invoices (number integer)");
    is_refused(&[(STORE, &foreign)], &["other tables"]);
    let newer = postgres.create_database("newer");
    postgres.sql(
        "newer",
        "CREATE TABLE campanile (version integer); INSERT INTO campanile VALUES (99)",
    );
    is_refused(&[(STORE, &newer)], &["schema 99", "start the newer version"]);
    postgres.sql("postgres", "ALTER DATABASE chat SET default_transaction_read_only = on");
    is_refused(&[(STORE, &url)], &["can only be read", "connect to the primary"]);
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn nodes_and_stores_that_do_not_go_together() {
    is_refused(&[(BUS, "redis://127.0.0.1")], &["bus.url", "share a store", "store.url"]);
    let several = [(STORE, "postgres://127.0.0.1/chat"), ("CAMPANILE_CLUSTER__NODES", "2")];
    is_refused(&several, &["bus.url", "2 nodes"]);
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn a_redis_that_cannot_be_used() {
    let postgres = Postgres::start();
    let database = postgres.create_database("chat");
    let refused = |bus: &str, words: &[&str]| is_refused(&[(STORE, &database), (BUS, bus)], words);
    refused(&format!("redis://127.0.0.1:{}", free_port()), &["cannot reach redis"]);
    refused("redi://campanile:hunter2@127.0.0.1", &["bus.url", "redi"]);
    refused("redis://127.0.0.1/none", &["not the url of a redis", "number of a database"]);
    let secret = Redis::start_with(&["--requirepass", "the right one"]);
    refused(&format!("redis://:hunter2@127.0.0.1:{}", secret.port()), &["refuses this node"]);
    refused(&secret.url(), &["refuses this node"]);
    let full = Redis::start_with(&["--maxmemory", "1"]);
    refused(&full.url(), &["cannot be used", "memory"]);
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1 1"]);
    refused(&replica.url(), &["redis at"]);
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn an_older_schema_is_brought_up_to_date() {
    let postgres = Postgres::start();
    let url = postgres.create_database("chat");
    let first = include_str!("../../../adapter-postgres/migrations/0001_first.sql");
    postgres.sql("chat", first);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.env_clear().env(STORE, &url).current_dir(directory.path());
    let looked = command.args(["check", "modules"]).output().expect("it starts");
    let found = String::from_utf8(looked.stdout).expect("text");
    assert!(found.contains("has schema 1"), "{found}");
    assert_eq!(
        postgres.sql("chat", "SELECT version FROM campanile"),
        "1",
        "looking changes nothing"
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.env_clear().env(STORE, &url).current_dir(directory.path());
    let ran = command.args(["user", "unban", "nobody"]).output().expect("it starts");
    assert_eq!(
        String::from_utf8_lossy(&ran.stderr).trim_end(),
        "campanile: there is no user nobody"
    );
    let version: u32 =
        postgres.sql("chat", "SELECT version FROM campanile").parse().expect("a number");
    assert!(version > 1, "it is brought up to date");
}
