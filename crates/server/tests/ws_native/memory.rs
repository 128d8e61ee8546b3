//! What a hostile client costs in memory, measured on the real program.

use crate::{
    client::{DEADLINE, Raw},
    program::Program,
};
use std::path::Path;
use tokio::{io::AsyncWriteExt, time::timeout};

const MIB: u64 = 1024 * 1024;

/// Announces 2⁴⁰ bytes and sends until the server ends the connection; how many were sent.
async fn flood(program: &Program) -> u64 {
    let mut raw = Raw::connect(program.address).await;
    let announced = 1_u64 << 40;
    raw.write(&[&[0x81, 0xff][..], &announced.to_be_bytes(), &[0; 4]].concat()).await;
    let chunk = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    let sending = async {
        while raw.stream.write_all(&chunk).await.is_ok() {
            sent += chunk.len() as u64;
        }
    };
    timeout(DEADLINE, sending).await.expect("the server ends the connection");
    sent
}

/// Sends one byte in each of very many fragments until the server ends the connection.
async fn crumble(program: &Program) {
    let mut raw = Raw::connect(program.address).await;
    raw.write_frame(0x01, b"x").await;
    let pieces = [0x00, 0x81, 0, 0, 0, 0, b'x'].repeat(10_000);
    let sending = async { while raw.stream.write_all(&pieces).await.is_ok() {} };
    timeout(DEADLINE, sending).await.expect("the server ends the connection");
}

/// A program with one worker thread, so that what a thread needs once is needed once.
async fn start(data: &Path) -> Program {
    Program::start_with(data, &[("CAMPANILE_SERVER__WORKERS", "1")]).await
}

#[tokio::test]
async fn a_client_that_announces_a_terabyte_costs_less_than_a_megabyte() {
    let data = tempfile::tempdir().expect("a directory");
    let program = start(data.path()).await;
    // What any connection needs once is not this one's.
    flood(&program).await;
    let before = program.reset_memory_peak();
    let sent = flood(&program).await;
    let growth = program.memory_peak().saturating_sub(before);
    assert!(sent > 16 * MIB, "only {sent} bytes were sent");
    assert!(growth <= MIB, "{growth} bytes for {sent} sent");
}

#[tokio::test]
async fn a_message_in_a_million_pieces_is_not_collected() {
    let data = tempfile::tempdir().expect("a directory");
    let program = start(data.path()).await;
    crumble(&program).await;
    let before = program.reset_memory_peak();
    crumble(&program).await;
    let growth = program.memory_peak().saturating_sub(before);
    assert!(growth <= MIB, "{growth} bytes");
}
