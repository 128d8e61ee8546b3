//! What a hostile client costs in memory, measured on the real program.

use crate::{
    client::{DEADLINE, Raw},
    program::Program,
};
use futures_util::future::join_all;
use tokio::{io::AsyncWriteExt, time::timeout};

const MIB: u64 = 1024 * 1024;

/// How many hostile clients come at once: what a process needs once is a small part of it.
const CLIENTS: u64 = 16;

/// Announces 2⁴⁰ bytes and sends until the server ends the connection; how many were sent.
async fn flood(mut raw: Raw) -> u64 {
    let announced = 1_u64 << 40;
    raw.write(&[&[0x81, 0xff][..], &announced.to_be_bytes(), &[0; 4]].concat()).await;
    send_until_closed(&mut raw, &[b'x'; 64 * 1024]).await
}

/// Sends one byte in each of very many fragments until the server ends the connection.
async fn crumble(mut raw: Raw) -> u64 {
    raw.write_frame(0x01, b"x").await;
    let pieces = [0x00, 0x81, 0, 0, 0, 0, b'x'].repeat(10_000);
    send_until_closed(&mut raw, &pieces).await
}

async fn send_until_closed(raw: &mut Raw, chunk: &[u8]) -> u64 {
    let mut sent = 0;
    let sending = async {
        while raw.stream.write_all(chunk).await.is_ok() {
            sent += chunk.len() as u64;
        }
    };
    timeout(DEADLINE, sending).await.expect("the server ends the connection");
    sent
}

/// What each of many clients that do this at the same time costs, in bytes, and how many they
/// sent.
async fn cost_of<F: Future<Output = u64>>(hostile: impl Fn(Raw) -> F) -> (u64, u64) {
    let data = tempfile::tempdir().expect("a directory");
    // With one worker thread: what a thread needs once is needed once.
    let program = Program::start_with(data.path(), &[("CAMPANILE_SERVER__WORKERS", "1")]).await;
    let before = program.reset_memory_peak();
    let connections = join_all((0..CLIENTS).map(|_| Raw::connect(program.address))).await;
    let sent = join_all(connections.into_iter().map(hostile)).await;
    let growth = program.memory_peak().saturating_sub(before);
    (growth / CLIENTS, sent.iter().sum())
}

#[tokio::test]
async fn a_client_that_announces_a_terabyte_costs_less_than_a_megabyte() {
    let (growth, sent) = cost_of(flood).await;
    assert!(sent > 16 * CLIENTS * MIB, "only {sent} bytes were sent");
    assert!(growth <= MIB, "{growth} bytes each for {sent} sent");
}

#[tokio::test]
async fn a_message_in_a_million_pieces_is_not_collected() {
    let (growth, sent) = cost_of(crumble).await;
    assert!(growth <= MIB, "{growth} bytes each for {sent} sent");
}
