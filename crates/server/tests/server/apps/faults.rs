//! Applications of the store that are not as they should be, and who may not touch them.

use super::*;
use crate::support::sabotage;
use campanile_server::config;

#[test]
fn what_is_done_is_answered_though_the_store_cannot_be_read_then() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"id": "shop", "name": "Shop"}));
    for statement in BROKEN_SECRETS {
        sabotage::change(&server, statement);
    }
    let made = server.post_as(&operator, APPS, json!({"id": "late", "name": "Late"})).expect(201);
    assert_eq!(made["app"]["settings"]["client_messages"], true);
    assert_eq!(made["app"]["keys"][0]["key"], made["key"]);
    let keys = format!("{}/keys", shop.path());
    let added = credentials(&server.ask(&operator, Method::Post, &keys, None).expect(201));
    assert_eq!(publish_with(&server, &shop.id, &added), 401, "it is not in force yet");
    sabotage::change(&server, "DROP VIEW application_keys");
    sabotage::change(&server, "ALTER TABLE kept RENAME TO application_keys");
    until("the next look takes it in", || {
        (publish_with(&server, &shop.id, &added) == 200).then_some(())
    });
    assert_eq!(publish_with(&server, "late", &credentials(&made)), 200);
}

#[test]
fn what_no_server_wrote_keeps_nobody_from_the_others_and_can_be_deleted() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"id": "shop", "name": "Shop"}));
    for statement in [
        "INSERT INTO applications VALUES ('nameless', '', 1, '{}', 1, 1)",
        "INSERT INTO applications VALUES ('no id', 'A name', 1, '{}', 1, 1)",
        "INSERT INTO applications VALUES ('keyless', 'A name', 1, '{}', 1, 1)",
        "INSERT INTO applications VALUES ('tomorrow', 'A name', 1, '{\"new\": 1}', 1, 1)",
        "INSERT INTO application_keys VALUES ('a-key', 'tomorrow', 'mfsehxbtzqkgnwdv', 1)",
        "INSERT INTO application_keys VALUES ('b-key', 'nameless', 'mfsehxbtzqkgnwdv', 1)",
    ] {
        sabotage::change(&server, statement);
    }
    let shown = shop.change(&server, &operator, json!({"name": "The shop"}));
    assert_eq!(shown["name"], "The shop");
    assert_eq!(shop.publish(&server), 200);
    let tomorrow = format!("{APPS}/tomorrow");
    let change = Some(json!({"settings": {"client_messages": false}}));
    let refused = server.ask(&operator, Method::Patch, &tomorrow, change);
    assert_eq!(refused.refused(409), "conflict", "what it is to be is not known here");
    for id in ["nameless", "keyless", "tomorrow"] {
        let path = format!("{APPS}/{id}");
        assert_eq!(server.get_as(&operator, &path).refused(404), "not_found", "{id}");
        server.delete_as(&operator, &path).expect(204);
        assert_eq!(server.delete_as(&operator, &path).refused(404), "not_found", "{id}");
    }
    let keyless = json!({"id": "keyless", "name": "Again"});
    Made::new(&server, &operator, keyless);
}

/// Makes keys that can be written and found, and not be read.
const BROKEN_SECRETS: [&str; 3] = [
    "ALTER TABLE application_keys RENAME TO kept",
    "CREATE VIEW application_keys AS SELECT key, app, json('no JSON ' || key) AS secret, made_at \
     FROM kept",
    "CREATE TRIGGER written INSTEAD OF INSERT ON application_keys BEGIN INSERT INTO kept VALUES \
     (new.key, new.app, new.secret, new.made_at); END",
];

#[test]
fn nobody_but_operators_does_anything_to_applications() {
    let (server, operator) = operator();
    let eve = server.user("eve");
    let shop = Made::new(&server, &operator, json!({"id": "shop", "name": "Shop"}));
    let before = server.get_as(&operator, APPS).expect(200);
    let stranger = User { name: "ada".into(), token: "guessed".into() };
    let keys = format!("{}/keys", shop.path());
    let operations = [
        (Method::Get, APPS.to_owned(), None),
        (Method::Post, APPS.to_owned(), Some(json!({"name": "Mine"}))),
        (Method::Get, shop.path(), None),
        (Method::Patch, shop.path(), Some(json!({"enabled": false}))),
        (Method::Delete, shop.path(), None),
        (Method::Post, keys.clone(), None),
        (Method::Delete, format!("{keys}/{}", shop.key()), None),
    ];
    for (method, path, body) in operations {
        for (asker, status, code) in [(&eve, 403, "forbidden"), (&stranger, 401, "unauthenticated")]
        {
            let answer = server.ask(asker, method.clone(), &path, body.clone());
            assert_eq!(answer.refused(status), code, "{method} {path}");
        }
    }
    assert_eq!(server.get_as(&operator, APPS).expect(200), before);
}

#[test]
fn more_applications_than_are_counted_by_themselves_are_served() {
    let (server, operator) = operator();
    let many = config::apps::APPS_MAX + 6;
    let made: Vec<Made> = (0..many)
        .map(|number| json!({"id": format!("app-{number:03}"), "name": "An application"}))
        .map(|new| Made::new(&server, &operator, new))
        .collect();
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = start_in(data, |_| {});
    let operator = server.log_in("ada");
    for app in &made {
        assert_eq!(app.publish(&server), 200, "{}", app.id);
    }
    let last = made.last().expect("there are many");
    Client::open_with(server.address, last.key()).leave();
    let labels = [("app", "_other"), ("transport", "websocket")];
    assert_eq!(server.scrape().value("chat_connections_opened_total", &labels), Some(1.0));
    let apps = server.get_as(&operator, APPS).expect(200);
    assert_eq!(apps["apps"].as_array().map(Vec::len), Some(many + 1), "and that of the server");
}
