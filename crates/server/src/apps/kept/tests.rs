//! The application of a server that was given none.

use super::*;
use std::{os::unix::fs::PermissionsExt, path::Path};

fn config(home: &Path) -> Config {
    let mut config = Config::default();
    config.server.data_dir = home.to_owned();
    config
}

fn settled(home: &Path) -> Result<Vec<config::App>, AppsError> {
    settle(&config(home), &BusKind::Memory)
}

/// The identity, key and secret of the only one.
fn only(apps: &[config::App]) -> [String; 3] {
    let [app] = apps else { panic!("one application, and not {apps:?}") };
    let secret = app.secret.as_ref().expect("it has one").reveal().to_owned();
    [app.id.clone().expect("it has one"), app.key.clone().expect("it has one"), secret]
}

#[test]
fn an_application_is_made_once_and_kept() {
    let home = tempfile::tempdir().expect("a directory");
    let made = only(&settled(home.path()).expect("it is made"));
    let [id, key, secret] = &made;
    assert_eq!((id.as_str(), key.len(), secret.len()), ("1", 20, 40));
    assert!([key, secret].iter().all(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let file = home.path().join(APP_FILE);
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(only(&settled(home.path()).expect("it is kept")), made);
    let names = fs::read_dir(home.path()).expect("a directory").count();
    assert_eq!(names, 1, "nothing is left over");
    let another = tempfile::tempdir().expect("a directory");
    assert_ne!(only(&settled(another.path()).expect("it is made")), made);
}

#[test]
fn what_is_damaged_is_refused_and_stays() {
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join(APP_FILE);
    for (text, part) in [
        ("", "id, key and secret"),
        ("id = \"1\"\nkey = \"one\"\nsecret = \"hunter2 without an end", "in TOML"),
        ("id = \"1\"\nkey = \"one\"\nsecret = [\"hunter2\"]\n", "in TOML"),
        ("id = \"1\"\nkey = \"one\"\nsecret = \"hunter2\"\n", "secret has fewer than 16 bytes"),
        ("id = \"native\"\nkey = \"one\"\nsecret = \"0f1e2d3c4b5a69788796\"\n", "setting id"),
    ] {
        fs::write(&file, text).expect("written");
        let error = settled(home.path()).expect_err("it is damaged").to_string();
        assert!(error.contains(APP_FILE) && error.contains(part), "{part} in: {error}");
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), text);
        assert!(look_at_apps(&config(home.path())).is_err());
    }
    fs::write(&file, b"\xff").expect("written");
    assert!(matches!(settled(home.path()), Err(AppsError::File { .. })));
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("made");
    let error = settled(home.path()).expect_err("it is no file").to_string();
    assert!(error.contains(APP_FILE) && error.contains("server.data_dir"), "{error}");
}

#[test]
fn nothing_is_made_where_applications_are_set() {
    let home = tempfile::tempdir().expect("a directory");
    let mut config = config(home.path());
    let set = config::App { id: Some("shop".to_owned()), ..config::App::default() };
    config.apps = vec![set];
    let apps = settle(&config, &BusKind::Memory).expect("they are set");
    assert_eq!(apps[0].id.as_deref(), Some("shop"));
    assert!(!home.path().join(APP_FILE).exists());
    assert_eq!(look_at_apps(&config).as_deref(), Ok("shop"));
}

#[test]
fn nodes_that_share_a_bus_are_given_their_applications() {
    let home = tempfile::tempdir().expect("a directory");
    let apps = settle(&config(home.path()), &BusKind::Redis).expect("it can chat");
    assert!(apps.is_empty());
    assert!(!home.path().join(APP_FILE).exists(), "each node would have another one");
}
