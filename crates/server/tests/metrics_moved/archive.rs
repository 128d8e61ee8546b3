//! What is kept, and how the store answers.

use crate::{
    scene::{Scene, cases},
    support::{Server, User, sabotage::change, start, start_in, start_with},
};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

const SQLITE: (&str, &str) = ("backend", "sqlite");
const OK: (&str, &str) = ("result", "ok");
const MESSAGES: &str = "/api/v1/rooms/lobby/messages";

cases! {
    the_archive_is_written_and_read moves [
        "chat_archive_writes_total{result=ok}",
        "chat_archive_write_duration_seconds",
        "chat_archive_queries_total{result=ok}",
        "chat_archive_query_duration_seconds",
        "chat_storage_operations_total{store=archive,operation=put|query,result=ok}",
        "chat_storage_operation_duration_seconds{operation=put}",
        "chat_storage_pool_wait_duration_seconds",
    ] used;
    the_archive_is_counted_from_the_start moves [
        "chat_archive_messages",
        "chat_archive_stored_bytes",
        "chat_archive_count_timestamp_seconds",
    ] counted;
    what_is_too_old_is_removed moves [
        "chat_archive_evictions_total{reason=ttl}",
    ] evicted;
    the_store_shows_what_it_is moves [
        "chat_storage_up",
        "chat_storage_schema_version",
        "chat_storage_pool_connections_max",
    ] shown;
    a_store_that_fails_is_counted moves [
        "chat_storage_errors_total{reason=other}",
        "chat_storage_operations_total{store=archive,operation=query,result=error}",
        "chat_archive_queries_total{result=error}",
        "chat_archive_writes_total{result=error}",
        "chat_message_errors_total{reason=storage}",
    ] fails;
}

fn settled(server: &Server) -> User {
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    ada
}

fn used(scene: &Scene) {
    let server = start();
    let ada = settled(&server);
    let before = server.scrape();
    server.post_as(&ada, MESSAGES, json!({"body": "x"})).expect(201);
    server.get_as(&ada, MESSAGES).expect(200);
    scene.rose(&server, &before, ("chat_archive_writes_total", &[OK]), 1.0);
    scene.rose(&server, &before, ("chat_archive_write_duration_seconds_count", &[]), 1.0);
    scene.rose(&server, &before, ("chat_archive_queries_total", &[OK]), 1.0);
    scene.rose(&server, &before, ("chat_archive_query_duration_seconds_count", &[]), 1.0);
    for operation in ["put", "query"] {
        let call = &[SQLITE, ("store", "archive"), ("operation", operation), OK];
        scene.rose(&server, &before, ("chat_storage_operations_total", call), 1.0);
    }
    // The one message; accounts are put too, but nobody came or went.
    let put = &[SQLITE, ("operation", "put")];
    scene.rose(&server, &before, ("chat_storage_operation_duration_seconds_count", put), 1.0);
    let waits = ("chat_storage_pool_wait_duration_seconds_count", &[SQLITE][..]);
    let earlier = before.value(waits.0, waits.1).expect("it is there");
    scene.becomes(&server, waits, |now| now > earlier);
}

fn counted(scene: &Scene) {
    let server = start();
    let ada = settled(&server);
    for body in ["one", "two", "three"] {
        server.post_as(&ada, MESSAGES, json!({"body": body})).expect(201);
    }
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = start_in(data, |_| {});
    scene.is(&server, "chat_archive_messages", &[], 3.0);
    let bytes = scene.becomes(&server, ("chat_archive_stored_bytes", &[]), |bytes| bytes > 0.0);
    let file = std::fs::metadata(server.data.path().join("campanile.db")).expect("the store");
    assert!(bytes <= 2.0 * file.len() as f64, "{bytes} of {}", file.len());
    let counted = ("chat_archive_count_timestamp_seconds", &[][..]);
    let at = scene.becomes(&server, counted, |at| at > 0.0);
    assert!((now_seconds() - at).abs() < 60.0, "{at}");
}

fn evicted(scene: &Scene) {
    let server = start_with(|config| config.store.retention_seconds = 1);
    let ada = settled(&server);
    let before = server.scrape();
    for body in ["one", "two"] {
        server.post_as(&ada, MESSAGES, json!({"body": body})).expect(201);
    }
    scene.rose(&server, &before, ("chat_archive_evictions_total", &[("reason", "ttl")]), 2.0);
    let history = server.get_as(&ada, MESSAGES).expect(200);
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(0));
    assert_eq!(history["last_seq"], 2);
}

fn shown(scene: &Scene) {
    let server = start();
    server.get("/readyz");
    scene.is(&server, "chat_storage_up", &[SQLITE], 1.0);
    scene.becomes(&server, ("chat_storage_schema_version", &[SQLITE]), |version| version >= 1.0);
    let pool = ("chat_storage_pool_connections_max", &[SQLITE][..]);
    scene.becomes(&server, pool, |connections| connections >= 1.0);
}

fn fails(scene: &Scene) {
    let server = start();
    let ada = settled(&server);
    change(&server, "DROP TABLE messages");
    let before = server.scrape();
    assert_eq!(server.get_as(&ada, MESSAGES).refused(503), "unavailable");
    let other = ("chat_storage_errors_total", &[SQLITE, ("reason", "other")][..]);
    scene.rose(&server, &before, other, 1.0);
    scene.total_rose(&server, &before, "chat_storage_errors_total", 1.0);
    let risen = server.scrape().since(&before);
    let failed = risen.iter().filter(|(name, labels, _)| {
        let is_error = labels.contains(&("result".to_owned(), "error".to_owned()));
        *name == "chat_storage_operations_total" && is_error
    });
    assert_eq!(failed.map(|(_, _, by)| by).sum::<f64>(), 1.0);
    let error = ("result", "error");
    scene.rose(&server, &before, ("chat_archive_queries_total", &[error]), 1.0);
    let query = &[SQLITE, ("store", "archive"), ("operation", "query"), error];
    scene.rose(&server, &before, ("chat_storage_operations_total", query), 1.0);
    let refused = server.post_as(&ada, MESSAGES, json!({"body": "x"})).refused(503);
    assert_eq!(refused, "unavailable");
    scene.rose(&server, &before, ("chat_archive_writes_total", &[error]), 1.0);
    let storage = &[("reason", "storage")];
    scene.rose(&server, &before, ("chat_message_errors_total", storage), 1.0);
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the world's clock")]
fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}
