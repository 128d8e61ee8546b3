//! What becomes of uploads.

use crate::{
    scene::{Scene, cases},
    support::{form, post_form, start},
};

cases! {
    an_upload_is_counted_with_its_bytes moves [
        "chat_uploads_total{result=ok|type}",
        "chat_upload_received_bytes_total",
        "chat_upload_size_bytes",
        "chat_upload_duration_seconds",
        "chat_upload_stored_bytes",
    ] counted;
}

fn counted(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let before = server.scrape();
    for (bytes, status) in [(&b"twelve bytes"[..], 201), (b"<html>", 415)] {
        let answer = post_form(&server, &ada, "lobby", form(&[("file", "a.txt", bytes)]));
        assert_eq!(answer.status, status, "{answer:?}");
    }
    for result in ["ok", "type"] {
        scene.rose(&server, &before, ("chat_uploads_total", &[("result", result)]), 1.0);
    }
    scene.total_rose(&server, &before, "chat_uploads_total", 2.0);
    scene.rose(&server, &before, ("chat_upload_received_bytes_total", &[]), 12.0);
    scene.rose(&server, &before, ("chat_upload_size_bytes_count", &[]), 1.0);
    scene.rose(&server, &before, ("chat_upload_size_bytes_sum", &[]), 12.0);
    scene.rose(&server, &before, ("chat_upload_duration_seconds_count", &[]), 2.0);
    scene.rose(&server, &before, ("chat_upload_stored_bytes", &[]), 12.0);
}
