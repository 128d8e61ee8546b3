//! What differs in the compose files where Debian's packages stand in for an image, service by service.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};

/// The services of one file that have a stand-in, and how they differ then.
pub(super) struct StandIns(Map<String, Value>);

/// Those of the files beside these: of `x.yaml` in `x.standin.yaml`, where there is one.
pub(super) fn beside(files: &[PathBuf]) -> Result<Vec<StandIns>> {
    let standins = files.iter().map(|file| file.with_extension("standin.yaml"));
    standins
        .filter(|file| file.exists())
        .map(|file| {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            StandIns::parse(&text).with_context(|| format!("cannot read {}", file.display()))
        })
        .collect()
}

impl StandIns {
    fn parse(text: &str) -> Result<Self> {
        let mut file: Value = serde_saphyr::from_str(text).map_err(|error| anyhow!("{error}"))?;
        let services = file["services"].as_object_mut().context("there are no services")?;
        Ok(Self(std::mem::take(services)))
    }

    pub(super) fn services(&self) -> impl Iterator<Item = String> {
        self.0.keys().cloned()
    }

    /// Writes a compose file with what differs in those services alone; says whether any does.
    /// Paths in it begin, as in all, where the first compose file lies.
    pub(super) fn write(&self, stood_in: &BTreeSet<String>, path: &Path) -> Result<bool> {
        let mut services = self.0.clone();
        services.retain(|service, _| stood_in.contains(service));
        if services.is_empty() {
            return Ok(false);
        }
        // JSON is YAML.
        fs::write(path, json!({"services": services}).to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
x-standin: &standin
  image: standin:1
services:
  redis: *standin
  haproxy:
    <<: *standin
    entrypoint: []
";

    /// What is written for these services; nothing when nothing is.
    fn written(stood_in: &[&str]) -> Option<Value> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("standin.json");
        let standins = StandIns::parse(TEXT).expect("it is well made");
        let stood_in = stood_in.iter().map(|service| (*service).to_owned()).collect();
        let is_written = standins.write(&stood_in, &path).expect("it can be written");
        is_written.then(|| {
            let text = fs::read_to_string(&path).expect("it was written");
            serde_json::from_str(&text).expect("it is JSON")
        })
    }

    #[test]
    fn only_services_without_an_image_differ() {
        let haproxy = json!({"image": "standin:1", "entrypoint": []});
        assert_eq!(
            written(&["haproxy", "grafana"]),
            Some(json!({"services": {"haproxy": haproxy}}))
        );
        let both = written(&["haproxy", "redis"]).expect("both are there");
        assert_eq!(both["services"]["redis"], json!({"image": "standin:1"}));
        assert_eq!(written(&["grafana"]), None);
    }

    #[test]
    fn a_file_may_have_none_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let [with, without] = ["with.yaml", "without.yaml"].map(|name| folder.path().join(name));
        fs::write(folder.path().join("with.standin.yaml"), TEXT).expect("it can be written");
        let standins = beside(&[with, without]).expect("it is well made");
        let services: Vec<String> = standins.iter().flat_map(StandIns::services).collect();
        assert_eq!(services, ["haproxy", "redis"]);
        fs::write(folder.path().join("without.standin.yaml"), "services: [")
            .expect("it is written");
        assert!(beside(&[folder.path().join("without.yaml")]).is_err());
    }
}
