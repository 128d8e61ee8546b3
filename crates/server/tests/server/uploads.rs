//! Uploads over REST: what is taken, who may read it, and what is left behind.

use crate::support::{
    Answer, EDGE, PATIENCE, Server, User, form, post_form as post, start, start_with, until,
};
use serde_json::json;
use std::{fs, io::Write, net::TcpStream};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe";

fn upload(server: &Server, user: &User, name: &str, bytes: &[u8]) -> Answer {
    post(server, user, "lobby", form(&[("file", name, bytes)]))
}

fn kept(answer: Answer) -> String {
    let upload = answer.expect(201)["upload"].clone();
    format!("/api/v1/uploads/{}", upload["id"].as_str().expect("an id"))
}

/// Names of the files that hold uploads.
fn files(server: &Server) -> Vec<String> {
    let entries =
        fs::read_dir(server.data.path().join("uploads")).expect("it is made at the start");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("plain text");
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

#[test]
fn a_file_is_given_back_as_it_was_and_never_to_be_run() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let answer = upload(&server, &ada, "../../photo.png", PNG).expect(201);
    let id = answer["upload"]["id"].as_str().expect("an id");
    let expected =
        json!({"id": id, "name": "photo.png", "bytes": PNG.len(), "media_type": "image/png"});
    assert_eq!(answer["upload"], expected);
    assert_eq!(files(&server), [id], "under a name that nobody chose");
    let answer = minreq::get(server.url(&format!("/api/v1/uploads/{id}")))
        .with_header("Authorization", format!("Bearer {}", ada.token))
        .send()
        .expect("an answer");
    assert_eq!(answer.as_bytes(), PNG);
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "attachment; filename*=UTF-8''photo.png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("content-length", "18"),
    ] {
        let found = answer.headers.iter().find(|(known, _)| known == name);
        assert_eq!(found.map(|(_, value)| value.as_str()), Some(value), "{name}");
    }
}

#[test]
fn only_members_of_the_room_read_it() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let path = kept(upload(&server, &ada, "notes.txt", b"for members"));
    assert_eq!(server.get(&path).refused(401), "unauthenticated");
    assert_eq!(server.get_as(&bob, &path).refused(404), "not_found");
    assert_eq!(upload(&server, &bob, "notes.txt", b"from outside").refused(403), "forbidden");
    let membership = "/api/v1/rooms/lobby/members/bob";
    server.put_as(&bob, membership, json!({})).expect(200);
    assert_eq!(server.get_as(&bob, &path).body, "for members");
    server.delete_as(&bob, membership).expect(204);
    assert_eq!(server.get_as(&bob, &path).refused(404), "not_found");
    for bad in ["nonsense", "..%2fcampanile.db", &"0".repeat(32)] {
        let path = format!("/api/v1/uploads/{bad}");
        assert_eq!(server.get_as(&ada, &path).refused(404), "not_found", "{bad}");
    }
    server.delete_as(&ada, "/api/v1/rooms/lobby").expect(204);
    server.room(&ada, "lobby");
    assert_eq!(server.get_as(&ada, &path).refused(404), "not_found", "it went with its room");
}

#[test]
fn what_is_not_taken_is_refused_and_leaves_nothing() {
    let server = start_with(|config| {
        config.limits.upload_bytes_max = 100_000;
        config.limits.upload_quota_bytes_max = 150_000;
    });
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let before = server.scrape();
    let page = b"<!doctype html><script>alert(1)</script>";
    assert_eq!(upload(&server, &ada, "photo.png", page).refused(415), "bad_request");
    assert_eq!(upload(&server, &ada, "drawing.svg", b"<svg/>").refused(415), "bad_request");
    let long = vec![b'x'; 100_001];
    assert_eq!(upload(&server, &ada, "long.txt", &long).refused(413), "too_large");
    assert_eq!(files(&server), Vec::<String>::new());
    kept(upload(&server, &ada, "fits.txt", &long[..100_000]));
    assert_eq!(upload(&server, &ada, "over.txt", &long[..50_001]).refused(413), "too_large");
    kept(upload(&server, &ada, "rest.txt", &long[..50_000]));
    assert_eq!(upload(&server, &ada, "none.txt", b"x").refused(413), "too_large");
    assert_eq!(files(&server).len(), 2);

    let moved = server.scrape().since(&before);
    let results =
        [("ok", 2.0), ("type", 2.0), ("too_large", 1.0), ("quota", 2.0), ("aborted", 0.0)];
    for (result, count) in results {
        let labels = [("result", result)];
        let moved = moved.value("chat_uploads_total", &labels).unwrap_or_default();
        assert_eq!(moved, count, "{result}");
    }
    for (name, value) in [
        ("chat_upload_received_bytes_total", 150_000.0),
        ("chat_upload_size_bytes_count", 2.0),
        ("chat_upload_size_bytes_sum", 150_000.0),
        ("chat_upload_duration_seconds_count", 7.0),
        ("chat_upload_stored_bytes", 150_000.0),
    ] {
        assert_eq!(moved.value(name, &[]), Some(value), "{name}");
    }
}

#[test]
fn a_form_is_one_file() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    for parts in [
        &[("picture", "a.txt", &b"another name"[..])][..],
        &[("file", "a.txt", b"one"), ("file", "b.txt", b"two")],
        &[],
    ] {
        let refused = post(&server, &ada, "lobby", form(parts)).refused(400);
        assert_eq!(refused, "bad_request", "{parts:?}");
    }
    let cut = form(&[("file", "a.txt", b"cut")])[..120].to_vec();
    assert_eq!(post(&server, &ada, "lobby", cut).refused(400), "bad_request");
    let path = "/api/v1/rooms/lobby/uploads";
    assert_eq!(server.post_as(&ada, path, json!({"file": "x"})).refused(415), "bad_request");
    let whole = form(&[("file", "a.txt", b"whole")]);
    assert_eq!(post(&server, &ada, "nowhere", whole).refused(404), "not_found");
    assert_eq!(files(&server), Vec::<String>::new());
}

#[test]
fn a_client_that_goes_away_leaves_no_file() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!(
        "POST /api/v1/rooms/lobby/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary={EDGE}\r\nContent-Length: 1000000\r\n\r\n",
        ada.token
    );
    stream.write_all(head.as_bytes()).expect("written");
    let body = form(&[("file", "half.txt", &[b'x'; 50_000])]);
    stream.write_all(&body[..40_000]).expect("written");
    until("a file that is being written", || (files(&server).len() == 1).then_some(()));
    drop(stream);
    until("the file's end", || files(&server).is_empty().then_some(()));
    until("the count", || {
        let aborted = server.scrape().value("chat_uploads_total", &[("result", "aborted")]);
        (aborted == Some(1.0)).then_some(())
    });
}

#[test]
fn uploads_are_limited_for_each_user() {
    let server = start_with(|config| {
        config.limits.uploads_per_user.per_second = 1.0 / 60.0;
        config.limits.uploads_per_user.burst = 1;
    });
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    kept(upload(&server, &ada, "one.txt", b"one"));
    let answer = upload(&server, &ada, "two.txt", b"two");
    answer.header("retry-after");
    assert_eq!(answer.refused(429), "rate_limited");
    let labels = [("limiter", "upload"), ("context", "user")];
    let rejected = server.scrape().value("chat_rate_limit_rejections_total", &labels);
    assert_eq!(rejected, Some(1.0));
}

#[test]
fn the_room_that_uploads_have_is_told() {
    let server = start();
    let scrape = server.scrape();
    for name in ["chat_volume_available_bytes", "chat_volume_size_bytes"] {
        assert!(scrape.value(name, &[("volume", "uploads")]) > Some(0.0), "{name}");
    }
}
