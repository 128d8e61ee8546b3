//! Opening: what is made, what is refused, and in which words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, OpenError, Pooler};
use campanile_metrics::Registry;
use campanile_neighbours::free_port;
use std::time::Duration;
use support::Server;

/// A store that does not ask for a pooler, with time to connect on a machine that is busy.
fn config(url: &str) -> Config {
    let patience = Duration::from_secs(30);
    Config { connect_timeout: patience, pooler: Pooler::Absent, ..Config::new(url) }
}

/// Opens the store, and closes it again.
async fn open(url: &str) {
    config(url).connect(Registry::global()).await.unwrap().close().await;
}

/// Why a store is not opened, and that in one line without the password.
async fn refused(config: Config) -> (OpenError, String) {
    let opened = config.connect(Registry::global()).await;
    let error = opened.expect_err("it is not opened");
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.contains("%20"), "{line}");
    assert!(!line.contains("secret"), "{line}");
    (error, line)
}

#[tokio::test]
async fn what_is_no_url_of_a_database_is_told() {
    for url in [
        "",
        "localhost",
        "mysql://chat:secret@localhost/chat",
        "http://localhost:5432/chat",
        "postgres://chat:secret@localhost:99999/chat",
        "postgres://localhost/chat?sslmode=perhaps",
    ] {
        let (error, line) = refused(config(url)).await;
        assert!(matches!(error, OpenError::Url(_)), "{url}: {line}");
        assert!(line.starts_with("not the url of a database: "), "{line}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named() {
    let port = free_port();
    let url = format!("postgres://chat:secret@127.0.0.1:{port}/chat");
    let (error, line) = refused(config(&url)).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{line}");
    let expected = format!("cannot reach the database at 127.0.0.1:{port}/chat: ");
    assert!(line.starts_with(&expected), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn who_is_not_let_in_is_told_so() {
    let server = Server::start();
    let url = server.database();
    let wrong = Config { password: Some("secret".into()), ..config(&url) };
    let missing = config(&server.postgres.url("nowhere"));
    server.postgres.sql("test_0", "CREATE ROLE guest LOGIN PASSWORD 'secret'");
    let guest = config(&url.replace("campanile:", "guest:"));
    let powerless = Config { password: Some("secret".into()), ..guest };
    for (config, says) in [
        (wrong, "password authentication failed"),
        (missing, "\"nowhere\" does not exist"),
        (powerless, "permission denied for schema public"),
    ] {
        let (error, line) = refused(config).await;
        assert!(matches!(error, OpenError::Refused { .. }), "{line}");
        assert!(line.contains("refuses this user: ") && line.contains(says), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: cargo xtask test"]
async fn who_is_not_let_in_by_a_pooler_is_told_so() {
    let server = Server::behind_pooler();
    let url = server.database();
    let wrong = Config { password: Some("secret".into()), pooler: Pooler::Detect, ..config(&url) };
    let (error, line) = refused(wrong).await;
    assert!(matches!(error, OpenError::Refused { .. }), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_of_something_else_is_not_touched() {
    let server = Server::start();
    let url = server.database();
    server.postgres.sql("test_0", "CREATE TABLE recipes (name text)");
    let (error, line) = refused(config(&url)).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{line}");
    assert_eq!(tables(&server), "recipes");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_newer_schema_is_not_touched() {
    let server = Server::start();
    let url = server.database();
    open(&url).await;
    let known = server.postgres.sql("test_0", "SELECT version FROM campanile");
    server.postgres.sql("test_0", "UPDATE campanile SET version = 1000");
    let before = tables(&server);
    let (error, line) = refused(config(&url)).await;
    assert!(matches!(error, OpenError::NewerSchema { found: 1000, .. }), "{line}");
    assert!(line.contains(&format!("schemas up to {known}: start the newer version")), "{line}");
    assert_eq!(tables(&server), before);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_replica_is_not_taken_for_a_primary() {
    let mut server = Server::start();
    let url = server.database();
    server.postgres.sql("postgres", "ALTER DATABASE test_0 SET default_transaction_read_only = on");
    let (error, line) = refused(config(&url)).await;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "it only reads: {line}");
    server.postgres.sql("postgres", "ALTER DATABASE test_0 RESET default_transaction_read_only");
    open(&url).await;

    server.postgres.become_standby();
    let (error, line) = refused(config(&url)).await;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "it is a standby: {line}");
    assert!(line.ends_with("can only be read: connect to the primary"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let server = Server::start();
    let hasty =
        Config { connect_timeout: Duration::from_millis(300), ..config(&server.database()) };
    server.postgres.pause();
    let started = std::time::Instant::now();
    let (error, line) = refused(hasty).await;
    server.postgres.resume();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{line}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

fn tables(server: &Server) -> String {
    let query = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables \
                 WHERE schemaname = 'public'";
    server.postgres.sql("test_0", query)
}
