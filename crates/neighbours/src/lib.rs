//! Real neighbours for tests: databases, brokers, push services and receivers that a test starts, hurts and ends.
//!
//! Each runs on a free port of the loopback interface, in a temporary directory, and is gone when
//! it is dropped. What is missing or does not start is a panic that says what to do: a test that
//! needs a neighbour and has none has failed. `cargo xtask test` installs the programs.

mod program;
mod wait;
mod tls;
mod postgres;
mod pgbouncer;
mod redis;
mod cluster;
mod sentinel;
mod http;
mod push;
mod receiver;

pub use cluster::RedisCluster;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use program::Program;
pub use push::{PushService, Pushed};
pub use receiver::{Received, Receiver, Reply};
pub use redis::Redis;
pub use sentinel::RedisSentinels;
pub use tls::Tls;
pub use wait::{free_port, until};
