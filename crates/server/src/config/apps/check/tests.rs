//! Secrets that others could guess.

use super::*;

#[test]
fn what_was_made_by_chance_is_no_weak_secret() {
    for secret in [
        "7ad3773142a6692b25b8",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c",
        "correct horse battery staple",
        "x9Kq-2vLw_Zt7RbnPm4s",
    ] {
        assert_eq!(weakness("a-key", secret), None, "{secret}");
    }
}

#[test]
fn what_everyone_would_think_of_is_a_weak_secret() {
    for (secret, part) in [
        ("", "16 bytes"),
        ("fifteen letters", "16 bytes"),
        ("aaaaaaaaaaaaaaaaaaaa", "different"),
        ("0101010101010101", "different"),
        ("278d425bdf160c739803", "is the key"),
        ("0123456789abcdef", "replaced"),
        ("change-me-please", "replaced"),
        ("your_super_secret_app_secret", "replaced"),
        ("pusher-app-secret-123", "replaced"),
    ] {
        let why = weakness("278d425bdf160c739803", secret).expect(secret);
        assert!(why.contains(part), "{part} in: {why}");
    }
}

#[test]
fn origins_are_what_browsers_name() {
    for origin in ["https://chat.example", "http://localhost:3000/", "capacitor://localhost"] {
        assert!(is_origin(origin), "{origin}");
    }
    for text in ["", "*", "chat.example", "https://", "https://*.example", "https://a.example/b"] {
        assert!(!is_origin(text), "{text}");
    }
}
