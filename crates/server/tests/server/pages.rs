//! The pages, and what goes with them.

use crate::support::{send, start};

#[test]
fn the_pages_may_do_only_what_this_server_gave_them() {
    let server = start();
    for path in ["/", "/console", "/assets/chat/main.js", "/favicon.ico"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'self';",
            "connect-src 'self';",
            "frame-ancestors 'none';",
            "base-uri 'none';",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    assert_eq!(server.get("/").header("content-type"), "text/html; charset=utf-8");
    assert_eq!(server.get("/favicon.ico").header("content-type"), "image/svg+xml");
}

#[test]
fn what_a_browser_knows_is_not_sent_again() {
    let server = start();
    let tag = server.get("/").header("etag").to_owned();
    let known = |tag: &str| send(minreq::get(server.url("/")).with_header("If-None-Match", tag));
    let answer = known(&tag);
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    assert_eq!(known("\"another\"").status, 200);
}

#[test]
fn nothing_else_of_the_folder_is_served() {
    let server = start();
    for path in ["README.md", "package.json", "../Cargo.toml", "%2e%2e/Cargo.toml", "", "chat"] {
        let answer = server.get(&format!("/assets/{path}"));
        assert_eq!(answer.refused(404), "not_found", "{path}");
    }
}

#[test]
fn no_other_site_may_read_answers() {
    let server = start();
    let request =
        minreq::get(server.url("/api/v1/rooms")).with_header("Origin", "https://evil.example");
    let answer = send(request);
    assert!(!answer.headers.contains_key("access-control-allow-origin"), "{:?}", answer.headers);
}

#[test]
fn the_interface_describes_itself() {
    let server = start();
    let document = server.get("/api/openapi.json").expect(200);
    assert!(document["openapi"].as_str().expect("a version").starts_with("3."));
    let operations = document["paths"].as_object().expect("paths").values();
    assert_eq!(
        operations.map(|path| path.as_object().map_or(0, |path| path.len())).sum::<usize>(),
        47
    );
}

#[test]
fn a_node_says_that_it_lives_and_is_ready() {
    let server = start();
    assert_eq!(server.get("/livez").body, "alive\n");
    assert_eq!(server.get("/readyz").body, "ready\n");
    let head = send(minreq::head(server.url("/readyz")));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}
