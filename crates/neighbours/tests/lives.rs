//! Neighbours start, are hurt, and come back.

use campanile_neighbours::{PgBouncer, Postgres, Redis, until};
use std::time::Duration;

#[test]
#[ignore = "needs PostgreSQL and PgBouncer: cargo xtask test"]
fn a_postgres_that_was_killed_keeps_what_was_committed() {
    let mut postgres = Postgres::start();
    postgres.create_database("kept");
    postgres.sql("kept", "CREATE TABLE things (name text); INSERT INTO things VALUES ('bell')");
    for hurt in [Postgres::kill, Postgres::stop_immediately] {
        hurt(&mut postgres);
        assert!(!postgres.answers());
        postgres.start_again();
        assert_eq!(postgres.sql("kept", "SELECT name FROM things"), "bell");
    }
    postgres.pause();
    postgres.resume();
    let bouncer = PgBouncer::before(&postgres);
    assert_ne!(bouncer.url(&postgres, "kept"), postgres.url("kept"));
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn a_redis_that_was_killed_comes_back_empty() {
    let mut redis = Redis::start();
    redis.ask(&["SET", "bell", "rings"]);
    assert_eq!(redis.ask(&["GET", "bell"]), "rings");
    redis.kill();
    redis.start_again();
    assert_eq!(redis.ask(&["GET", "bell"]), "");
    redis.pause();
    redis.resume();
    until("it answers", Duration::from_secs(5), || (redis.ask(&["PING"]) == "PONG").then_some(()));
}
