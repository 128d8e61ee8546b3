//! Which images can be had: each is asked for by itself, so that one that is refused costs no other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

/// What has images, and can get others.
pub(super) trait Shelf {
    fn has(&self, image: &str) -> bool;

    /// Fails with what the registry, or the way there, answered.
    fn pull(&self, image: &str) -> Result<()>;
}

/// What an engine says when the registry was not reached: it would not be for another image either.
const UNREACHED: [&str; 5] =
    ["dial tcp", "no such host", "Client.Timeout", "TLS handshake timeout", "no answer"];

/// The registry of images whose names have none.
const USUAL_REGISTRY: &str = "docker.io";

/// Asks for all images that each service wants, shows why one is refused, and says which services lack
/// which.
pub(super) fn refused(
    wanted: &BTreeMap<String, Vec<String>>,
    shelf: &impl Shelf,
) -> BTreeMap<String, String> {
    let images: BTreeSet<&str> = wanted.values().flatten().map(String::as_str).collect();
    let (mut unreached, mut lacking) = (BTreeSet::new(), BTreeSet::new());
    for image in images.into_iter().filter(|image| !shelf.has(image)) {
        let registry = registry(image);
        if unreached.contains(registry) {
            lacking.insert(image);
            continue;
        }
        println!("pulling {image}");
        let Err(error) = shelf.pull(image) else { continue };
        let why = format!("{error:#}");
        println!("  no: {why}");
        if UNREACHED.iter().any(|sign| why.contains(sign)) {
            println!("  {registry} is asked for no other");
            unreached.insert(registry);
        }
        lacking.insert(image);
    }
    let service = |(service, images): (&String, &Vec<String>)| {
        let image = images.iter().find(|image| lacking.contains(image.as_str()))?;
        Some((service.clone(), image.clone()))
    };
    wanted.iter().filter_map(service).collect()
}

/// `quay.io/a/b:1`: what is before the first slash, if it is the name of a host.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => USUAL_REGISTRY,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::bail;

    use super::*;

    /// Has some images, and is refused others.
    #[derive(Default)]
    struct FewImages {
        here: Vec<&'static str>,
        refused: BTreeMap<&'static str, &'static str>,
        asked: RefCell<Vec<String>>,
    }

    impl Shelf for FewImages {
        fn has(&self, image: &str) -> bool {
            self.here.contains(&image)
        }

        fn pull(&self, image: &str) -> Result<()> {
            self.asked.borrow_mut().push(image.to_owned());
            match self.refused.get(image) {
                Some(why) => bail!("{why}"),
                None => Ok(()),
            }
        }
    }

    fn wanted() -> BTreeMap<String, Vec<String>> {
        let services = [
            ("chat", vec!["rust:1", "debian:1"]),
            ("grafana", vec!["grafana/grafana:1"]),
            ("pgexporter", vec!["quay.io/pg:1"]),
            ("redis", vec!["redis:1"]),
        ];
        let owned = |images: Vec<&str>| images.into_iter().map(str::to_owned).collect();
        services.map(|(service, images)| (service.to_owned(), owned(images))).into()
    }

    #[test]
    fn one_that_is_refused_costs_no_other() {
        let denied = BTreeMap::from([("grafana/grafana:1", "pull access denied")]);
        let shelf = FewImages { here: vec!["redis:1"], refused: denied, ..FewImages::default() };
        let refused = refused(&wanted(), &shelf);
        let expected = ("grafana".to_owned(), "grafana/grafana:1".to_owned());
        assert_eq!(refused, BTreeMap::from([expected]));
        let asked = ["debian:1", "grafana/grafana:1", "quay.io/pg:1", "rust:1"];
        assert_eq!(shelf.asked.into_inner(), asked);
    }

    #[test]
    fn a_registry_that_is_not_reached_is_asked_once() {
        let away = BTreeMap::from([
            ("debian:1", "dial tcp: lookup registry: no such host"),
            ("rust:1", "never asked"),
        ]);
        let shelf = FewImages { here: vec!["redis:1"], refused: away, ..FewImages::default() };
        let refused = refused(&wanted(), &shelf);
        assert_eq!(refused.keys().collect::<Vec<_>>(), ["chat", "grafana"]);
        assert_eq!(refused["grafana"], "grafana/grafana:1");
        // Another registry is another matter.
        assert_eq!(shelf.asked.into_inner(), ["debian:1", "quay.io/pg:1"]);
    }

    #[test]
    fn a_name_without_a_host_is_of_the_usual_registry() {
        let hosts = ["redis:1", "grafana/loki:3", "quay.io/a/b:1", "localhost:5000/a", "gcr.io/a"];
        let hosts = hosts.map(registry);
        assert_eq!(hosts, ["docker.io", "docker.io", "quay.io", "localhost:5000", "gcr.io"]);
    }
}
