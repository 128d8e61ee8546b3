//! Applications, as operators see and change them.

use crate::support::{
    pusher::{APP, Client, KEY, with_app},
    start_with, until,
};
use serde_json::json;

const APPS: &str = "/api/v1/apps";

#[test]
fn operators_see_the_applications_of_the_configuration() {
    let server = start_with(|config| {
        with_app(config, |app| {
            app.client_messages = false;
            app.limits.connections_max = 7;
        });
    });
    let (operator, eve) = (server.user("ada"), server.user("eve"));
    let client = Client::open(&server);
    let answer = server.get_as(&operator, APPS);
    assert!(!answer.body.contains("secret") && !answer.body.contains("of-tests"), "{answer:?}");
    let apps = answer.expect(200);
    let app = &apps["apps"][0];
    assert_eq!((&app["id"], &app["name"]), (&json!(APP), &json!(APP)));
    assert_eq!((&app["enabled"], &app["source"]), (&json!(true), &json!("configuration")));
    assert_eq!(app["keys"], json!([{"key": KEY}]));
    assert_eq!(app["connections"], 1);
    let settings = &app["settings"];
    assert_eq!(settings["client_messages"], false);
    assert_eq!(settings["limits"]["connections_max"], 7);
    assert_eq!((&settings["allowed_origins"], &settings["webhooks"]), (&json!([]), &json!([])));
    client.leave();
    until("the connection is gone", || {
        let apps = server.get_as(&operator, APPS).expect(200);
        (apps["apps"][0]["connections"] == 0).then_some(())
    });
    assert_eq!(server.get(APPS).refused(401), "unauthenticated");
    assert_eq!(server.get_as(&eve, APPS).refused(403), "forbidden");
}
