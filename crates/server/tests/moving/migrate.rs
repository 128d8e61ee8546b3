//! `campanile migrate`: what it does, and what it refuses.

use crate::{
    shell::{counts, run, sqlite, table},
    support::{Server, User, form, post_form, start},
};
use campanile_neighbours::Postgres;
use serde_json::json;
use std::{fs, path::Path};
use tempfile::TempDir;

/// Bytes that are longer than a part.
fn long() -> Vec<u8> {
    [b"%PDF-1.7".as_slice(), &vec![0xe9; 600_000]].concat()
}

/// A server with people, messages and a file.
pub(crate) fn lively() -> (Server, User) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    server.put_as(&bob, "/api/v1/rooms/lobby/members/bob", json!({})).expect(200);
    for number in 1..=5 {
        let body = json!({"body": format!("message {number}")});
        server.post_as(&ada, "/api/v1/rooms/lobby/messages", body).expect(201);
    }
    post_form(&server, &ada, "lobby", form(&[("file", "long.pdf", &long())])).expect(201);
    (server, ada)
}

/// A directory in which a server was.
fn stopped() -> (TempDir, User) {
    let (server, ada) = lively();
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    (data, ada)
}

fn migrate(from: &str, to: &str) -> crate::shell::Said {
    run(&["migrate", "--from", from, "--to", to])
}

fn file(data: &Path) -> String {
    sqlite(&data.join("campanile.db"))
}

#[test]
fn everything_is_moved_and_proved_and_the_server_goes_on() {
    let (data, ada) = stopped();
    let copy = tempfile::tempdir().expect("a directory");
    let (from, to) = (file(data.path()), file(copy.path()));
    let said = migrate(&from, &to).done();
    for line in ["moved accounts: 2", "moved messages: 5", "compared uploads: 1"] {
        assert!(said.lines().any(|said| said == line), "{line} in: {said}");
    }
    let proved = table(&said);
    assert_eq!(counts(&proved, "messages"), Some((5, 5)), "{said}");
    assert_eq!(counts(&proved, "upload bytes"), Some((1, 1)), "{said}");
    // Asked again there is nothing to do, and the proof is the same.
    assert_eq!(table(&migrate(&from, &to).done()), proved);
    let server = crate::support::start_in(copy, |_| {});
    let page = server.get_as(&ada, "/api/v1/rooms/lobby/messages").expect(200);
    assert_eq!(page["last_seq"], 5, "the session was moved too");
    let next = json!({"body": "after the move"});
    let next = server.post_as(&ada, "/api/v1/rooms/lobby/messages", next).expect(201);
    assert_eq!(next["seq"], 6);
}

#[test]
fn a_store_that_a_server_has_is_neither_moved_nor_filled() {
    let (server, _) = lively();
    let running = file(server.data.path());
    let elsewhere = tempfile::tempdir().expect("a directory");
    let other = file(elsewhere.path());
    let said = migrate(&running, &other).refused(1);
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(fs::read_dir(elsewhere.path()).expect("a directory").count(), 0);
    let (data, _) = stopped();
    let said = migrate(&file(data.path()), &running).refused(1);
    assert!(said.contains("in use by another process"), "{said}");
}

#[test]
fn what_cannot_be_is_one_clear_line() {
    let (data, _) = stopped();
    let (other, _) = stopped();
    let empty = tempfile::tempdir().expect("a directory");
    let (from, fresh) = (file(data.path()), file(empty.path()));
    let text = empty.path().join("text");
    fs::write(&text, "this is no database, it is a text of some length").expect("written");
    for (from, to, code, part) in [
        (from.as_str(), "mysql://ada:secret@db/chat", 2, "mysql://db/chat"),
        ("chat.db", fresh.as_str(), 2, "sqlite://FILE"),
        (&from, &from, 2, "cannot be moved to itself"),
        ("sqlite:///nowhere/chat.db", &fresh, 1, "no store in /nowhere/chat.db"),
        (&sqlite(&text), &fresh, 1, "text is not a database of this program"),
        (&from, &sqlite(&text), 1, "text is not a database of this program"),
        (&from, &file(other.path()), 1, "not empty: it has accounts"),
        ("postgres://ada:secret@127.0.0.1:1/chat", &fresh, 1, "127.0.0.1:1/chat"),
    ] {
        let said = migrate(from, to).refused(code);
        assert!(said.contains(part) && !said.contains("secret"), "{part} in: {said}");
    }
    let left: Vec<_> = fs::read_dir(empty.path()).expect("a directory").collect();
    assert!(left.iter().flatten().all(|entry| entry.file_name() != "campanile.db"), "{left:?}");
    fs::rename(data.path().join("uploads"), data.path().join("elsewhere")).expect("moved");
    let said = migrate(&from, &fresh).refused(1);
    assert!(said.contains("there are 1 uploads, but there is no directory"), "{said}");
    let uploads = data.path().join("elsewhere").display().to_string();
    run(&["migrate", "--from", &from, "--to", &fresh, "--from-uploads", &uploads]).done();
}

#[test]
fn a_source_that_changed_meanwhile_is_noticed() {
    let (data, _) = stopped();
    let copy = tempfile::tempdir().expect("a directory");
    migrate(&file(data.path()), &file(copy.path())).done();
    let directory = data.path().display().to_string();
    let ban = ["--data-dir", &directory, "user", "ban", "bob"];
    run(&ban).done();
    let said = migrate(&file(data.path()), &file(copy.path()));
    assert!(said.output.contains("DIFFERS"), "{said:?}");
    assert!(said.refused(1).contains("has not the same"));
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_file_is_moved_to_a_database_and_back() {
    let postgres = Postgres::start_with(&["fsync=off"]);
    let database = postgres.create_database("chat");
    let (data, ada) = stopped();
    let back = tempfile::tempdir().expect("a directory");
    let there = table(&migrate(&file(data.path()), &database).done());
    let said = migrate(&database, &file(back.path())).done();
    assert_eq!(table(&said), there, "and so it is the same as at first");
    let server = crate::support::start_in(back, |_| {});
    let page = server.get_as(&ada, "/api/v1/rooms/lobby/messages").expect(200);
    assert_eq!(page["messages"][4]["body"], "message 5");
    let wrong = database.replace("a%20password", "another");
    let said = migrate(&file(data.path()), &wrong).refused(1);
    assert!(said.contains("refuses this user") && !said.contains("another"), "{said}");
    postgres.create_database("foreign");
    postgres.sql("foreign", "CREATE TABLE accounts (id int)");
    let said = migrate(&file(data.path()), &postgres.url("foreign")).refused(1);
    assert!(said.contains("is not one of this program"), "{said}");
    postgres.create_database("empty");
    let said = migrate(&postgres.url("empty"), &file(data.path())).refused(1);
    assert!(said.contains("there is no store in the database"), "{said}");
    assert_eq!(
        postgres.sql("empty", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        "0"
    );
}
