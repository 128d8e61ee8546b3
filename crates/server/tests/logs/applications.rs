//! What is wrong with applications of the store is told once, and not at every look.

use crate::{logged::Logged, support::sabotage};
use serde_json::json;

#[test]
fn an_application_that_cannot_be_read_is_told_once_for_each_change_of_it() {
    let logged = Logged::start("info", &[]);
    let operator = logged.server.user("ada");
    // Whoever makes one looks into the store.
    let look = || {
        logged.server.post_as(&operator, "/api/v1/apps", json!({"name": "Another"})).expect(201);
    };
    let told = || {
        let lines = logged.of("app_unreadable");
        lines.iter().map(|line| format!("{}: {}", line["app"], line["error"])).collect::<Vec<_>>()
    };
    for statement in [
        "INSERT INTO applications VALUES ('nameless', '', 1, '{}', 1, 1)",
        "INSERT INTO application_keys VALUES ('a-key', 'nameless', 'mfsehxbtzqkgnwdv', 1)",
        "INSERT INTO application_keys VALUES ('b-key', 'nameless', 'mfsehxbtzqkgnwdv', 1)",
        "INSERT INTO applications VALUES ('tomorrow', 'A name', 1, '{\"new\": 1}', 1, 1)",
        "INSERT INTO application_keys VALUES ('c-key', 'tomorrow', 'mfsehxbtzqkgnwdv', 1)",
    ] {
        sabotage::change_in(&logged.data(), statement);
    }
    (0..3).for_each(|_| look());
    let before = told();
    assert_eq!(before.len(), 2, "{before:?}");
    assert!(before[0].starts_with("\"nameless\": \"the name of an application"), "{before:?}");
    assert!(before[1].starts_with("\"tomorrow\": \"unknown field"), "{before:?}");
    let other = "UPDATE applications SET settings = '{\"newer\": 1}' WHERE id = 'tomorrow'";
    sabotage::change_in(&logged.data(), other);
    (0..3).for_each(|_| look());
    let after = told();
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(after[2].contains("newer"), "{after:?}");
}
