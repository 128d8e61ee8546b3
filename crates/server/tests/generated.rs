//! The generated files say what the program says. `UPDATE=1 cargo test` rewrites them.

use campanile_server::{catalogue, config::reference, logs};
use std::{fs, path::PathBuf};

#[test]
fn the_reference_of_metrics_is_fresh() {
    check("docs/metrics.md", &catalogue::markdown());
    check("docs/metrics.json", &catalogue::json());
}

#[test]
fn the_reference_of_settings_is_fresh() {
    check("docs/config.md", &reference::markdown());
}

#[test]
fn the_example_of_settings_is_fresh() {
    check("deploy/campanile.example.toml", &reference::example());
}

#[test]
fn the_reference_of_logs_is_fresh() {
    check("docs/logs.md", &logs::reference::markdown());
}

#[expect(clippy::disallowed_methods, reason = "the variable is the test's, not the server's")]
fn check(path: &str, fresh: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&file, fresh).expect("the file can be written");
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == fresh, "{path} is stale: run `cargo xtask docs`");
}
