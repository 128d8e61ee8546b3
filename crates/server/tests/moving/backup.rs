//! `campanile backup`: a copy beside a running server, from which another is started.

use crate::{
    migrate::lively,
    shell::{counts, run, sqlite, table},
    support::start_in,
};
use serde_json::json;
use std::fs;

#[test]
fn a_backup_beside_a_running_server_can_be_started_from() {
    let (server, ada) = lively();
    let data = server.data.path().display().to_string();
    let home = tempfile::tempdir().expect("a directory");
    let to = home.path().join("monday");
    let to = to.display().to_string();
    let backup = ["--data-dir", &data, "backup", "--to", &to];
    let said = run(&backup).done();
    assert_eq!(counts(&table(&said), "messages"), Some((5, 5)), "{said}");
    assert!(run(&backup).refused(1).contains("monday is there already"));
    let names = |path: &str| {
        let entries = fs::read_dir(path).expect("a directory").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&home.path().display().to_string()), ["monday"], "nothing is left over");
    assert_eq!(names(&to), ["app.toml", "campanile.db", "uploads", "vapid.key"]);
    for name in ["app.toml", "vapid.key"] {
        let copy = fs::read(format!("{to}/{name}")).expect("it is there");
        assert_eq!(copy, fs::read(server.data.path().join(name)).expect("it is there"));
    }
    // The server goes on, and what is said now is in the next backup.
    let later = json!({"body": "after the backup"});
    server.post_as(&ada, "/api/v1/rooms/lobby/messages", later).expect(201);
    let restored = tempfile::tempdir().expect("a directory");
    for name in ["campanile.db", "uploads"] {
        fs::rename(format!("{to}/{name}"), restored.path().join(name)).expect("moved");
    }
    let restored = start_in(restored, |_| {});
    let page = restored.get_as(&ada, "/api/v1/rooms/lobby/messages").expect(200);
    assert_eq!(page["last_seq"], 5);
    let next = json!({"body": "in the restored one"});
    let next = restored.post_as(&ada, "/api/v1/rooms/lobby/messages", next).expect(201);
    assert_eq!(next["seq"], 6);
}

#[test]
fn a_backup_that_cannot_be_made_leaves_nothing() {
    let home = tempfile::tempdir().expect("a directory");
    let at = |name: &str| home.path().join(name).display().to_string();
    let said = run(&["--data-dir", &at("absent"), "backup", "--to", &at("monday")]).refused(1);
    assert!(said.contains("no store in"), "{said}");
    let (server, _) = lively();
    let data = server.data.path().display().to_string();
    let said = run(&["--data-dir", &data, "backup", "--to", &at("absent/monday")]).refused(1);
    assert!(said.contains("cannot make"), "{said}");
    assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 0);
    run(&["--data-dir", &data, "backup"]).code.filter(|code| *code == 2).expect("wrong usage");
    // A backup is a store as any other.
    run(&["--data-dir", &data, "backup", "--to", &at("monday")]).done();
    let (from, to) = (home.path().join("monday/campanile.db"), home.path().join("copy.db"));
    let uploads = at("files");
    run(&["migrate", "--from", &sqlite(&from), "--to", &sqlite(&to), "--to-uploads", &uploads])
        .done();
}
