//! Origins: which web pages may open a connection from somebody's browser.
//!
//! A browser sends its user's address and cookies wherever a page asks it to, so a page of another
//! site could speak for the user. It cannot forge the `Origin` header, so that is checked. Programs
//! that are no browsers send none, and are let in.

/// Whether a page of `origin` may connect to `host`, where `allowed` names further origins.
pub(super) fn may_connect(origin: &str, host: Option<&str>, allowed: &[String]) -> bool {
    if allowed.iter().any(|one| one.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let own = origin.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"));
    match (own, host) {
        (Some((_, authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_same_host_may_connect() {
        let host = Some("chat.example:8080");
        assert!(may_connect("http://chat.example:8080", host, &[]));
        assert!(may_connect("https://Chat.example:8080", host, &[]));
    }

    #[test]
    fn pages_of_others_may_connect_only_when_they_are_named() {
        let host = Some("chat.example");
        let evil = "https://evil.example";
        assert!(!may_connect(evil, host, &[]));
        assert!(may_connect(evil, host, &["https://evil.example/".into()]));
        for origin in ["null", "", "file://", "https://chat.example.evil.example", "chat.example"] {
            assert!(!may_connect(origin, host, &[]), "{origin:?}");
        }
        assert!(!may_connect("http://chat.example", None, &[]));
    }
}
