//! Applications are found by what they are asked for with.

use super::*;
use crate::config::{AppKey, Secret};
use campanile_core::metrics::NATIVE_APP;

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
    Apps::new(settings, &registry)
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
    let ids: Vec<_> = apps.iter().map(|app| app.id.as_str()).collect();
    assert_eq!(ids, ["shop", "7"]);
}

#[test]
fn each_application_is_counted_by_itself() {
    let all: Vec<_> = (0..config::apps::APPS_MAX)
        .map(|number| settings(&number.to_string(), &[&number.to_string()]))
        .collect();
    let apps = apps(&all);
    let labels: std::collections::BTreeSet<_> = apps.iter().map(|app| app.label).collect();
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
    let shown = format!("{apps:?}");
    assert!(!shown.contains("long enough"), "{shown}");
}
