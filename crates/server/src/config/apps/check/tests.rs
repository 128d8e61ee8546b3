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

#[test]
fn an_application_has_so_many_origins_and_webhooks() {
    let app = |origins: usize, webhooks: usize| App {
        id: Some("shop".to_owned()),
        key: Some("a-key".to_owned()),
        secret: Some(Secret::new("7ad3773142a6692b25b8")),
        allowed_origins: vec!["https://chat.example".to_owned(); origins],
        webhooks: vec![super::super::AppWebhook::default(); webhooks],
        ..App::default()
    };
    check_one(&app(ORIGINS_MAX, WEBHOOKS_MAX), "").expect("as many as there may be");
    let wrong =
        [(app(ORIGINS_MAX + 1, 0), "allowed_origins"), (app(0, WEBHOOKS_MAX + 1), "webhooks")];
    for (app, name) in wrong {
        let error = check_one(&app, "apps.0").expect_err(name).to_string();
        assert!(error.contains(&format!("apps.0.{name}")), "{error}");
    }
}

#[test]
fn no_bound_is_so_high_that_it_is_none() {
    for huge in [1_usize << 61, usize::MAX / 8 + 1, usize::MAX] {
        let limits = AppLimits { user_id_characters_max: huge, ..AppLimits::default() };
        check_limits(&limits, "limits").expect_err("a list of members would be too long");
    }
}
