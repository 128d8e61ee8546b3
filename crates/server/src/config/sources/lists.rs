//! Lists of tables among the settings, each table told apart by its place: `apps.0.id`.

use super::{
    super::setting::{join, place},
    ConfigError,
};
use config::{Map, Value, ValueKind};
use std::collections::BTreeSet;

/// A tree of tables as whole keys, each value marked with where it is from. Tables of a list are
/// told apart by their places.
pub(super) fn flatten(key: &str, value: Value, origin: &str, flat: &mut Map<String, Value>) {
    let is_table = |value: &Value| matches!(value.kind, ValueKind::Table(_));
    let is_empty = |value: &Value| matches!(&value.kind, ValueKind::Table(tree) if tree.is_empty());
    match value.kind {
        ValueKind::Table(tree) => {
            for (name, value) in tree {
                flatten(&join(key, &name), value, origin, flat);
            }
        }
        ValueKind::Array(items) if items.iter().any(is_table) => {
            for (place, item) in items.into_iter().enumerate() {
                let key = join(key, &place.to_string());
                if is_empty(&item) {
                    flat.insert(key, Value::new(Some(&origin.to_owned()), item.kind));
                } else {
                    flatten(&key, item, origin, flat);
                }
            }
        }
        kind => {
            flat.insert(key.to_owned(), Value::new(Some(&origin.to_owned()), kind));
        }
    }
}

/// Finds places in lists with nothing before them.
pub(super) fn check_places(given: &Map<String, Value>) -> Result<(), ConfigError> {
    let mut taken = BTreeSet::new();
    for key in given.keys() {
        let mut list = String::new();
        for name in key.split('.') {
            if let Some(place) = place(name) {
                taken.insert((list.clone(), place));
            }
            list = join(&list, name);
        }
    }
    let mut before = taken.iter().filter_map(|(list, at)| Some((list, at.checked_sub(1)?)));
    match before.find(|(list, at)| !taken.contains(&((*list).clone(), *at))) {
        Some((list, at)) => Err(ConfigError::Missing { key: join(list, &at.to_string()) }),
        None => Ok(()),
    }
}

/// The same with places as the library writes them: `apps.0.id` is its `apps[0].id`.
pub(super) fn with_places(given: Map<String, Value>) -> Map<String, Value> {
    let path = |key: &str| {
        key.split('.').fold(String::new(), |path, name| match place(name) {
            Some(place) => format!("{path}[{place}]"),
            None => join(&path, name),
        })
    };
    given.into_iter().map(|(key, value)| (path(&key), value)).collect()
}
