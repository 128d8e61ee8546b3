//! The program as it is started from a shell.

use crate::support::{
    PASSWORD,
    events::Events,
    program::{Program, campanile},
    sabotage::change,
    socket::Socket,
    start, until,
};
use serde_json::json;
use std::{
    fs,
    io::Write,
    net::TcpListener,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// What the program said about a mistake: one line, with the exit code of a mistake.
fn mistake(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let text = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn mistakes_of_the_start_are_one_clear_line_each() {
    let home = tempfile::tempdir().expect("a directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    fs::write(home.path().join("typo.toml"), "[server]\nlistne = \"x\"\n").expect("written");
    fs::write(home.path().join("file"), "").expect("written");
    let app = "[[apps]]\nid = \"1\"\nkey = \"a-key\"\nsecret = \"app-secret\"\n";
    fs::write(home.path().join("app.toml"), app).expect("written");
    fs::create_dir(home.path().join("damaged")).expect("made");
    fs::write(home.path().join("damaged/app.toml"), "key = ").expect("written");
    fs::write(home.path().join("foreign"), "this is no database, it is a text of some length")
        .expect("written");
    for (arguments, parts) in [
        (vec!["--listen", &address], vec!["cannot listen", &address]),
        (vec!["--metrics-listen", &address], vec!["cannot listen", "metrics"]),
        (vec!["--config", "absent.toml"], vec!["cannot read", "absent.toml", "--config"]),
        (vec!["--config", "typo.toml"], vec!["server.listne", "typo.toml"]),
        (vec!["--data-dir", "file"], vec!["data directory", "file"]),
        (vec!["--config", "app.toml"], vec!["apps.0.secret", "16 bytes"]),
        (vec!["--data-dir", "damaged"], vec!["damaged/app.toml", "remove it"]),
        (vec!["--data-dir", "file/below"], vec!["data directory", "file/below"]),
    ] {
        let said = mistake(campanile(home.path()).arg("serve").args(&arguments));
        for part in parts {
            assert!(said.contains(part), "{part} in: {said}");
        }
    }
    for (name, value, part) in [
        ("CAMPANILE_METRICS__BEARER_TOKEN", "short", "metrics.bearer_token"),
        ("CAMPANILE_STORE__URL", "mysql://x", "store.url"),
        ("CAMPANILE_STORE__URL", "sqlite://foreign", "foreign"),
        ("CAMPANILE_BUS__URL", "redis://x", "bus.url"),
        ("METRICS_DRIVER", "carrier-pigeon", "carrier-pigeon"),
        ("PROMETHEUS_METRICS_PREFIX", "9", "prefix"),
        ("CAMPANILE_LOG__LOKI__URL", "loki:3100", "log.loki.url"),
    ] {
        let said = mistake(campanile(home.path()).env(name, value));
        assert!(said.contains(part), "{part} in: {said}");
    }
}

#[test]
fn two_servers_do_not_share_a_store() {
    let server = start();
    let data = server.data.path().to_str().expect("a plain path").to_owned();
    let home = tempfile::tempdir().expect("a directory");
    let said = mistake(campanile(home.path()).args(["--data-dir", &data]));
    assert!(said.contains("in use"), "{said}");
}

#[test]
fn a_store_of_a_newer_program_is_refused_and_left_as_it_is() {
    let server = start();
    server.user("ada");
    change(&server, "PRAGMA user_version = 99");
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let path = data.path().to_str().expect("a plain path");
    let home = tempfile::tempdir().expect("a directory");
    let file = data.path().join("campanile.db");
    let before = fs::read(&file).expect("the store");
    for command in [&["serve"][..], &["user", "ban", "ada"]] {
        let said = mistake(campanile(home.path()).args(command).args(["--data-dir", path]));
        assert!(said.contains("schema 99"), "{said}");
        assert!(said.contains("start the newer version"), "{said}");
    }
    assert!(fs::read(&file).expect("the store") == before, "nothing was changed");
}

#[test]
fn the_data_directory_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a directory");
    let program = Program::start(&mut campanile(home.path()));
    let mode = |path: &str| {
        let metadata = fs::metadata(home.path().join(path)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/campanile.db"), 0o600);
    assert_eq!(mode("data/app.toml"), 0o600);
    drop(program);
}

#[test]
fn a_program_that_is_told_to_stop_ends_well() {
    for signal in ["-TERM", "-INT"] {
        let home = tempfile::tempdir().expect("a directory");
        let mut program = Program::start(&mut campanile(home.path()));
        program.signal(signal);
        let status = until("the end", || program.child.try_wait().expect("it is ours"));
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[test]
fn users_are_made_beside_a_running_server() {
    let server = start();
    server.user("ada");
    let data = server.data.path().to_str().expect("a plain path").to_owned();
    let home = tempfile::tempdir().expect("a directory");
    let user = |arguments: &[&str], password: &str| {
        let mut command = campanile(home.path());
        command.args(["--data-dir", &data, "user"]).args(arguments);
        with_input(&mut command, password)
    };
    let made = user(&["add", "eve", "--operator", "--password-stdin"], PASSWORD);
    assert!(made.status.success(), "{made:?}");
    let login = serde_json::json!({"name": "eve", "password": PASSWORD});
    let session = server.post("/api/v1/login", &login).expect(200);
    assert_eq!(session["user"]["operator"], true);
    let again = user(&["add", "eve", "--password-stdin"], PASSWORD);
    assert_eq!(again.status.code(), Some(1));
    assert!(user(&["ban", "eve"], "").status.success());
    assert_eq!(server.post("/api/v1/login", &login).refused(403), "forbidden");
    assert!(user(&["unban", "eve"], "").status.success());
    assert!(user(&["password", "eve", "--password-stdin"], "another password").status.success());
    assert_eq!(server.post("/api/v1/login", &login).refused(401), "unauthenticated");
    assert_eq!(user(&["ban", "nobody"], "").status.code(), Some(1));
}

#[test]
fn who_is_banned_or_has_a_new_password_beside_a_running_server_is_disconnected() {
    let server = start();
    let data = server.data.path().to_str().expect("a plain path").to_owned();
    let home = tempfile::tempdir().expect("a directory");
    let user = |arguments: &[&str], password: &str| {
        let mut command = campanile(home.path());
        command.args(["--data-dir", &data, "user"]).args(arguments);
        let done = with_input(&mut command, password);
        assert!(done.status.success(), "{done:?}");
    };
    let people = ["ada", "bob", "eve"].map(|name| server.user(name));
    let [ada, bob, eve] = &people;
    server.room(ada, "lobby");
    let mut sockets = people.each_ref().map(|person| Socket::of(&server, person));
    let mut events = Events::open(&server, bob, &["lobby"], "");
    let [ada_socket, bob_socket, eve_socket] = &mut sockets;
    let closed_in_time = |since: Instant| {
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    };

    user(&["ban", "bob"], "");
    let since = Instant::now();
    assert_eq!(bob_socket.closed(), Some(1008));
    events.ends_within(Duration::from_secs(2));
    closed_in_time(since);
    assert_eq!(server.get_as(bob, "/api/v1/me").status, 401);

    user(&["password", "eve", "--password-stdin"], "another password");
    let since = Instant::now();
    assert_eq!(eve_socket.closed(), Some(1008));
    closed_in_time(since);
    assert_eq!(server.get_as(eve, "/api/v1/me").status, 401);

    ada_socket.ask(json!({"op": "ping"}));
    // Not a command of ours, but honoured all the same.
    change(&server, "DELETE FROM members; DELETE FROM accounts WHERE name = 'ada'");
    let since = Instant::now();
    assert_eq!(ada_socket.closed(), Some(1008));
    closed_in_time(since);
    assert_eq!(server.get_as(ada, "/api/v1/me").status, 401);
}

#[test]
fn settings_are_printed_without_their_secrets() {
    let home = tempfile::tempdir().expect("a directory");
    let output = campanile(home.path())
        .arg("config")
        .env("CAMPANILE_METRICS__BEARER_TOKEN", "tell nobody, please")
        .env("CAMPANILE_APPS__0__ID", "shop")
        .env("CAMPANILE_APPS__0__KEY", "shop-key")
        .env("CAMPANILE_APPS__0__SECRET", "tell nobody of the shop")
        .env("CAMPANILE_APPS__0__KEYS__0__KEY", "next-key")
        .env("CAMPANILE_APPS__0__KEYS__0__SECRET", "tell nobody of what comes")
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("bearer_token = \"[secret]\""), "{text}");
    assert!(text.contains("key = \"next-key\"\nsecret = \"[secret]\""), "{text}");
    assert!(!text.contains("tell nobody"), "{text}");
}

fn with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdin.take().expect("it is piped");
    // A command that reads nothing closes its end.
    let _unread = writeln!(pipe, "{input}");
    drop(pipe);
    child.wait_with_output().expect("it ends")
}
