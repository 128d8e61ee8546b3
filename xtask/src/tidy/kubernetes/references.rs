//! ConfigMaps and Secrets: the keys that they hold, and those that pods ask for.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, KeyToPath, PodSpec, Volume};

use super::super::tree::Tree;
use super::objects::Objects;

/// The keys that there are, by the name of what holds them.
#[derive(Default)]
pub(super) struct Held {
    maps: BTreeMap<String, BTreeSet<String>>,
    secrets: BTreeMap<String, BTreeSet<String>>,
}

impl Held {
    pub(super) fn by(tree: &Tree, objects: &Objects) -> Self {
        let mut held = Self::default();
        for map in &objects.config_maps {
            let name = map.object.metadata.name.clone().unwrap_or_default();
            held.maps.entry(name).or_default().extend(keys(&map.object.data));
        }
        for list in &objects.kustomizations {
            let folder = list.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for generator in &list.object.config_map_generator {
                let there = generator.files.iter();
                let there = there.filter(|file| tree.exists(&format!("{folder}/{file}")));
                held.maps.entry(generator.name.clone()).or_default().extend(there.cloned());
            }
        }
        for secret in &objects.secrets {
            let name = secret.object.metadata.name.clone().unwrap_or_default();
            let entry = held.secrets.entry(name).or_default();
            entry.extend(keys(&secret.object.string_data));
            entry.extend(keys(&secret.object.data));
        }
        held
    }

    pub(super) fn has_secret(&self, name: &str, key: &str) -> bool {
        self.secrets.get(name).is_some_and(|keys| keys.contains(key))
    }

    /// What the pods ask for that is not there.
    pub(super) fn missing_for(&self, deployment: &Deployment) -> Vec<String> {
        let Some(pod) = pod(deployment) else { return Vec::new() };
        let mut wrong = Vec::new();
        for volume in pod.volumes.iter().flatten() {
            let Some(source) = Source::of(volume) else { continue };
            let held = if source.is_secret { &self.secrets } else { &self.maps };
            let Some(keys) = held.get(source.name) else {
                wrong.push(format!("nothing holds what is in the volume `{}`", volume.name));
                continue;
            };
            let missing = source.items.iter().filter(|item| !keys.contains(&item.key));
            wrong
                .extend(missing.map(|item| format!("`{}` has no key `{}`", source.name, item.key)));
        }
        for container in &pod.containers {
            let mounts = container.volume_mounts.iter().flatten();
            let volumes = || pod.volumes.iter().flatten();
            let nowhere = mounts.filter(|mount| !volumes().any(|volume| volume.name == mount.name));
            wrong.extend(nowhere.map(|mount| format!("there is no volume `{}`", mount.name)));
            wrong.extend(self.missing_variables(container));
            for (what, path) in named_files(container) {
                if !self.is_mounted(deployment, path) {
                    wrong.push(format!("`{what}` names `{path}`, which is not mounted"));
                }
            }
        }
        wrong
    }

    /// Whether a file with this path is in the volumes of the first container.
    pub(super) fn is_mounted(&self, deployment: &Deployment, path: &str) -> bool {
        let Some(pod) = pod(deployment) else { return false };
        let mounts =
            pod.containers.iter().flat_map(|container| container.volume_mounts.iter().flatten());
        mounts.into_iter().any(|mount| {
            let inside = path.strip_prefix(mount.mount_path.as_str());
            let Some(file) = inside.and_then(|rest| rest.strip_prefix('/')) else { return false };
            let volume = pod.volumes.iter().flatten().find(|volume| volume.name == mount.name);
            volume.and_then(Source::of).is_some_and(|source| {
                let held = if source.is_secret { &self.secrets } else { &self.maps };
                let keys = held.get(source.name);
                match source.items {
                    [] => keys.is_some_and(|keys| keys.contains(file)),
                    items => items.iter().any(|item| item.path == file),
                }
            })
        })
    }

    fn missing_variables(&self, container: &Container) -> Vec<String> {
        let mut asked = Vec::new();
        for variable in container.env.iter().flatten() {
            let Some(source) = &variable.value_from else { continue };
            if let Some(key) = &source.secret_key_ref {
                asked.push((&self.secrets, &key.name, Some(&key.key)));
            }
            if let Some(key) = &source.config_map_key_ref {
                asked.push((&self.maps, &key.name, Some(&key.key)));
            }
        }
        for whole in container.env_from.iter().flatten() {
            if let Some(secret) = &whole.secret_ref {
                asked.push((&self.secrets, &secret.name, None));
            }
            if let Some(map) = &whole.config_map_ref {
                asked.push((&self.maps, &map.name, None));
            }
        }
        let missing = asked.into_iter().filter(|(held, name, key)| {
            !held.get(*name).is_some_and(|keys| key.is_none_or(|key| keys.contains(key)))
        });
        missing
            .map(|(_, name, key)| match key {
                Some(key) => format!("`{name}` has no key `{key}`"),
                None => format!("there is no `{name}`"),
            })
            .collect()
    }
}

/// The pods of a Deployment.
pub(super) fn pod(deployment: &Deployment) -> Option<&PodSpec> {
    deployment.spec.template.spec.as_ref()
}

/// What a volume is made of, when that is a ConfigMap or a Secret.
struct Source<'v> {
    is_secret: bool,
    name: &'v str,
    /// Which keys, when not all.
    items: &'v [KeyToPath],
}

impl<'v> Source<'v> {
    fn of(volume: &'v Volume) -> Option<Self> {
        if let Some(map) = &volume.config_map {
            let items = map.items.as_deref().unwrap_or_default();
            return Some(Self { is_secret: false, name: &map.name, items });
        }
        let secret = volume.secret.as_ref()?;
        let items = secret.items.as_deref().unwrap_or_default();
        let name = secret.secret_name.as_deref().unwrap_or_default();
        Some(Self { is_secret: true, name, items })
    }
}

/// The files that the program is told of outside its settings, and by what.
fn named_files(container: &Container) -> Vec<(&str, &str)> {
    let variables = container.env.iter().flatten();
    let named = variables.filter(|variable| variable.name == "CAMPANILE_CONFIG");
    let named = named
        .map(|variable| (variable.name.as_str(), variable.value.as_deref().unwrap_or_default()));
    let arguments = container.args.as_deref().unwrap_or_default();
    let flags = arguments.windows(2).filter(|pair| pair[0] == "--config");
    named.chain(flags.map(|pair| ("--config", pair[1].as_str()))).collect()
}

fn keys<V>(data: &Option<BTreeMap<String, V>>) -> impl Iterator<Item = String> {
    data.iter().flatten().map(|(key, _)| key.clone())
}
