//! What is applied: lists that lead to files, no manifest that is forgotten, one namespace.

use std::collections::BTreeSet;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::objects::{In, Objects};
use super::operator::Kustomization;
use super::{FOLDER, SCRAPE_CONFIG};

/// How the file of a manifest begins that is not to be applied as it is.
const ASIDE: &str = "# Not applied";

/// The name that kustomize looks for in a folder.
const LIST: &str = "kustomization.yaml";

pub(super) fn check(tree: &Tree, objects: &Objects) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut applied = BTreeSet::new();
    for list in &objects.kustomizations {
        let (paths, missing) = resources(tree, list);
        applied.extend(paths);
        findings.extend(missing.into_iter().map(|what| Finding::about(&list.path, what)));
        findings.extend(check_images(list));
    }
    let root = format!("{FOLDER}/{LIST}");
    for (path, text) in tree.below(FOLDER, "yaml") {
        let is_aside = text.starts_with(ASIDE) || path == SCRAPE_CONFIG || path == root;
        if !is_aside && !applied.contains(path) {
            findings.push(Finding::about(path, format!("is in no {LIST}")));
        }
    }
    let monitors = objects.service_monitors.iter().map(|monitor| &monitor.path);
    let monitors = monitors.chain(objects.pod_monitors.iter().map(|monitor| &monitor.path));
    let monitors: Vec<&String> = monitors.filter(|path| applied.contains(*path)).collect();
    if let [_, second, ..] = monitors.as_slice() {
        findings.push(Finding::about(second, "every pod would be scraped twice"));
    }
    findings.extend(check_namespace(objects));
    findings
}

/// The files that a list leads to, and what is wrong with it.
fn resources(tree: &Tree, list: &In<Kustomization>) -> (Vec<String>, Vec<String>) {
    let folder = list.path.trim_end_matches(LIST);
    let (mut paths, mut wrong) = (Vec::new(), Vec::new());
    for resource in &list.object.resources {
        let path = format!("{folder}{resource}");
        let path = if path.ends_with(".yaml") { path } else { format!("{path}/{LIST}") };
        match tree.text(&path) {
            Some(text) if text.starts_with(ASIDE) => {
                wrong.push(format!("`{resource}` says that it is not applied"));
            }
            Some(_) => paths.push(path),
            None => wrong.push(format!("`{resource}` is not there")),
        }
    }
    for generator in &list.object.config_map_generator {
        let missing =
            generator.files.iter().filter(|file| !tree.exists(&format!("{folder}{file}")));
        wrong.extend(missing.map(|file| format!("`{file}` is not there")));
    }
    (paths, wrong)
}

fn check_images(list: &In<Kustomization>) -> Vec<Finding> {
    let loose = list.object.images.iter().filter(|image| {
        image.new_name.is_empty() || image.new_tag.is_empty() || image.new_tag == "latest"
    });
    loose
        .map(|image| Finding::about(&list.path, format!("`{}` is not pinned", image.name)))
        .collect()
}

/// There is one namespace, and everything is in it.
fn check_namespace(objects: &Objects) -> Vec<Finding> {
    let [namespace] = objects.namespaces.as_slice() else {
        return vec![Finding::about(FOLDER, "has not one Namespace")];
    };
    let name = namespace.object.metadata.name.as_deref().unwrap_or_default();
    let generated = objects.kustomizations.iter().flat_map(|list| {
        let of_list = list.object.config_map_generator.iter();
        of_list.map(|generator| (&generator.namespace, &list.path))
    });
    let placed = objects.placed.iter().map(|object| (&object.namespace, &object.path));
    let elsewhere = placed.chain(generated).filter(|(namespace, _)| *namespace != name);
    let elsewhere = elsewhere.map(|(other, path)| {
        Finding::about(path, format!("is in the namespace `{other}`, not `{name}`"))
    });
    elsewhere.chain(check_names(objects)).collect()
}

/// An object has a name, and has it alone among those of its kind.
fn check_names(objects: &Objects) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let again = objects
        .placed
        .iter()
        .filter(|object| object.name.is_empty() || !seen.insert((&object.kind, &object.name)));
    again
        .map(|object| {
            Finding::about(&object.path, format!("has not a name of its own: `{}`", object.name))
        })
        .collect()
}
