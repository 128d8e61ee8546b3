//! Applications are found by what they are asked for with.

use super::*;
use crate::config::{AppKey, Secret};
use campanile_core::{
    application::{AppKey as StoredKey, AppName, AppSecret, Application, Applications},
    metrics::NATIVE_APP,
};
use campanile_metrics::Registry;
use campanile_pusher::CloseCode;

fn settings(id: &str, keys: &[&str]) -> config::App {
    let secret = || Some(Secret::new("a secret that is long enough"));
    let keys: Vec<_> =
        keys.iter().map(|key| AppKey { key: Some((*key).to_owned()), secret: secret() }).collect();
    config::App {
        id: Some(id.to_owned()),
        key: keys[0].key.clone(),
        secret: secret(),
        keys: keys[1..].to_vec(),
        ..config::App::default()
    }
}

fn apps(settings: &[config::App]) -> Apps {
    let ids = settings.iter().filter_map(|app| app.id.as_deref());
    let registry = Registry::builder().values::<AppLabel>(ids.chain([NATIVE_APP])).build();
    Apps::new(settings, Applications::default(), (&registry, 1))
}

fn all(all: impl Into<Vec<Application>>) -> Applications {
    Applications { all: all.into(), ..Applications::default() }
}

fn take_in(apps: &Apps, stored: &[Application]) {
    apps.take_in(&all(stored), &Applications::default());
}

#[test]
fn an_application_is_found_by_its_identity_and_by_each_of_its_keys() {
    let apps = apps(&[settings("shop", &["one", "two"]), settings("7", &["three"])]);
    assert_eq!(apps.by_id("shop").expect("it is there").id.as_str(), "shop");
    for (key, id) in [("one", "shop"), ("two", "shop"), ("three", "7")] {
        let app = apps.by_key(key).expect("it is there");
        assert_eq!(app.id.as_str(), id);
        assert!(app.keys.find(key).is_some());
    }
    assert_eq!(apps.by_id("shop").expect("it is there").key, "one");
    assert!(apps.by_id("one").is_none() && apps.by_key("shop").is_none());
    let ids: Vec<_> = apps.all().iter().map(|app| app.id.to_string()).collect();
    assert_eq!(ids, ["shop", "7"]);
}

#[test]
fn each_application_is_counted_by_itself() {
    let all: Vec<_> = (0..config::apps::APPS_MAX)
        .map(|number| settings(&number.to_string(), &[&number.to_string()]))
        .collect();
    let apps = apps(&all);
    let labels: std::collections::BTreeSet<_> = apps.all().iter().map(|app| app.label).collect();
    assert_eq!(labels.len(), config::apps::APPS_MAX);
}

#[test]
fn what_is_set_is_in_force() {
    let mut set = settings("shop", &["one"]);
    set.client_messages = false;
    set.allowed_origins = vec!["https://shop.example/".to_owned()];
    set.limits.connections_max = 3;
    set.limits.presence_members_max = 7;
    let apps = apps(&[set, settings("other", &["two"])]);
    let [shop, other] = ["shop", "other"].map(|id| apps.by_id(id).expect("it is there"));
    assert!(shop.enabled && !shop.client_events && other.client_events);
    assert_eq!(shop.origins, ["https://shop.example"]);
    assert_eq!((shop.connections_max, other.connections_max), (3, usize::MAX));
    assert_eq!((shop.limits.presence_members_max, &other.limits), (7, &Limits::default()));
    let shown = format!("{:?}", apps.all());
    assert!(!shown.contains("long enough"), "{shown}");
}

fn stored(id: &str, settings: &str, keys: &[&str]) -> Application {
    let key = |key: &&str| StoredKey {
        key: (*key).to_owned(),
        secret: AppSecret(format!("the secret of {key}")),
        made_at: Timestamp(1),
    };
    Application {
        id: AppId::parse(id).expect("an id"),
        name: AppName::parse("A name").expect("a name"),
        enabled: true,
        settings: settings.to_owned(),
        keys: keys.iter().map(key).collect(),
        made_at: Timestamp(1),
        changed_at: Timestamp(1),
    }
}

#[test]
fn the_configuration_hides_what_has_its_id_or_a_key_of_it() {
    let registry = Registry::builder().build();
    let hidden = [stored("shop", "{}", &["a"]), stored("thief", "{}", &["b", "one"])];
    let other = stored("other", "{}", &["two"]);
    let stored = all(hidden.into_iter().chain([other]).collect::<Vec<_>>());
    let apps = Apps::new(&[settings("shop", &["one"])], stored, (&registry, 1));
    let ids: Vec<_> = apps.all().iter().map(|app| app.id.to_string()).collect();
    assert_eq!(ids, ["shop", "other"]);
    assert_eq!(apps.by_key("one").expect("it is there").source, Source::Configuration);
    assert!(apps.by_key("a").is_none() && apps.by_key("b").is_none());
}

#[test]
fn what_a_newer_server_has_set_stays_as_it_was() {
    let registry = Registry::builder().build();
    let known = stored("shop", r#"{"client_messages": false}"#, &["one"]);
    let apps = Apps::new(&[], all([known]), (&registry, 1));
    let newer = r#"{"client_messages": true, "of_tomorrow": 1}"#;
    take_in(&apps, &[stored("new", newer, &["three"]), stored("shop", newer, &["one", "two"])]);
    let shop = apps.by_key("two").expect("its keys are understood");
    assert!(!shop.client_events);
    assert!(apps.by_id("new").is_none(), "nobody knows what it is to be");
}

#[test]
fn what_cannot_be_served_stays_as_it_was() {
    let registry = Registry::builder().build();
    let known = stored("shop", r#"{"client_messages": false}"#, &["one"]);
    let apps = Apps::new(&[], all([known]), (&registry, 1));
    for limits in [
        r#"{"cache_seconds": -1}"#,
        r#"{"cache_seconds": 1e300}"#,
        r#"{"frame_bytes_max": 0}"#,
        r#"{"user_id_characters_max": 2305843009213693952}"#,
    ] {
        let senseless = format!("{{\"limits\": {limits}}}");
        take_in(
            &apps,
            &[stored("new", &senseless, &["two"]), stored("shop", &senseless, &["one"])],
        );
        assert!(!apps.by_key("one").expect("it is served").client_events, "{limits}");
        assert!(apps.by_id("new").is_none(), "{limits}");
    }
    take_in(&apps, &[stored("shop", "{}", &[])]);
    assert!(apps.by_id("shop").is_none(), "nobody can come without a key");
}

#[tokio::test]
async fn connections_go_with_their_key() {
    let registry = Registry::builder().build();
    let shop = |keys: &[&str]| stored("shop", "{}", keys);
    let apps = Apps::new(&[], all([shop(&["one", "two"])]), (&registry, 1));
    let tenancy = |key: &str| apps.by_key(key).expect("it is there").leases[key].tenancy();
    let (mut one, mut two) = (tenancy("one"), tenancy("two"));
    take_in(&apps, &[shop(&["two", "three"])]);
    assert_eq!(one.ended().await, CloseCode::NoSuchApp);
    let off = Application { enabled: false, ..shop(&["two", "three"]) };
    take_in(&apps, &[off]);
    assert_eq!(two.ended().await, CloseCode::AppDisabled, "it had stayed");
    take_in(&apps, &[shop(&["two", "three"])]);
    let mut two = tenancy("two");
    take_in(&apps, &[]);
    assert_eq!(two.ended().await, CloseCode::NoSuchApp);
    assert!(apps.by_key("two").is_none());
}

#[test]
fn each_that_comes_later_is_counted_by_itself_and_keeps_its_place() {
    let registry = Registry::builder().values::<AppLabel>([NATIVE_APP]).build();
    let apps = Apps::new(&[], Applications::default(), (&registry, 1));
    let label = |id: &str| apps.by_id(id).expect("it is there").label;
    let made = |number: usize| stored(&format!("app-{number}"), "{}", &[&format!("key-{number}")]);
    let many: Vec<_> = (0..config::apps::APPS_MAX + 2).map(made).collect();
    take_in(&apps, &many);
    let labels: std::collections::BTreeSet<_> = apps.all().iter().map(|app| app.label).collect();
    assert_eq!(labels.len(), config::apps::APPS_MAX + 1, "and the rest together");
    assert_eq!(label("app-64"), label("app-65"));
    let (first, rest) = (label("app-0"), label("app-65"));
    take_in(&apps, &many[1..]);
    assert_eq!(label("app-65"), rest, "what was counted there would go on as its own");
    take_in(&apps, &many);
    assert_eq!(label("app-0"), first);
}

#[test]
fn what_is_hidden_takes_no_place() {
    let registry = Registry::builder().build();
    let thieves: Vec<_> =
        (0..100).map(|number| stored(&format!("thief-{number}"), "{}", &["one"])).collect();
    let apps = Apps::new(&[settings("shop", &["one"])], all(thieves), (&registry, 1));
    take_in(&apps, &[stored("late", "{}", &["two"])]);
    let [shop, late] = ["shop", "late"].map(|id| apps.by_id(id).expect("it is there").label);
    assert!(shop != late && late != registry.label("nobody"));
}
