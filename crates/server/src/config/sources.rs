//! Where settings come from: defaults, then a file, then the environment, then flags.

mod lists;

use super::{
    Config,
    setting::{PLACE, Setting, Shape, place},
};
use config::{File, FileFormat, Map, Source, Value, ValueKind};
use lists::{check_places, flatten, with_places};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// The file that is read when it is there and none is named.
const FILE: &str = "campanile.toml";

/// The variable that names a file.
const FILE_VARIABLE: &str = "CAMPANILE_CONFIG";

/// What every variable of ours begins with.
const PREFIX: &str = "CAMPANILE_";

/// What is added to a secret's key to read it from a file.
const FROM_FILE: &str = "_file";

/// Names that our guides and those of others use, for the same settings.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("METRICS_ENABLED", "metrics.enabled"),
    ("METRICS_DRIVER", "metrics.exporters"),
    ("METRICS_HOST", "metrics.host"),
    ("METRICS_PORT", "metrics.port"),
    ("PROMETHEUS_METRICS_PREFIX", "metrics.prometheus.prefix"),
    ("CAMPANILE_METRICS_ALLOW_IPS", "metrics.allow_ips"),
    ("CAMPANILE_METRICS_ALLOW_CIDR", "metrics.allow_cidr"),
    ("CAMPANILE_STATISTICS_INTERVAL", "metrics.statistics_interval"),
];

/// A key of the file that means another one.
const OTHER_KEYS: &[(&str, &str)] = &[("metrics.driver", "metrics.exporters")];

/// What a key was called before. It is refused, since nobody would see that it does nothing.
const FORMER_KEYS: &[(&str, &str)] =
    &[("log.loki.flush_deadline_seconds", "log.loki.flush_deadline")];

/// What is wrong with the settings. Each says which key, what value, and where from.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {path} ({what}): {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What for.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// A file is not TOML.
    #[error("cannot understand {path}: {why}")]
    NotToml {
        /// Which file.
        path: String,
        /// Why not, in one line.
        why: String,
    },
    /// There is no such key.
    #[error("there is no setting {key} (in {origin}); `campanile config --markdown` lists them")]
    Unknown {
        /// The key.
        key: String,
        /// Where it is.
        origin: String,
    },
    /// The key is called something else now.
    #[error("the setting {former} is called {key} now (in {origin})")]
    Renamed {
        /// What it was called.
        former: String,
        /// What it is called.
        key: &'static str,
        /// Where it is.
        origin: String,
    },
    /// There is one of what there are several of.
    #[error(
        "setting {key} is a list of tables (in {origin}): its first one is [[{key}]] in a file"
    )]
    NoList {
        /// The key.
        key: String,
        /// Where it is.
        origin: String,
    },
    /// A value is not of its type.
    #[error("{0}")]
    Type(String),
    /// A value makes no sense.
    #[error("setting {key}: {value} {why}")]
    Invalid {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Why not.
        why: String,
    },
    /// A secret is easily guessed.
    #[error("setting {key} {why}")]
    Weak {
        /// The key.
        key: String,
        /// What is weak about it.
        why: String,
    },
    /// A setting has to be there.
    #[error("setting {key} is missing")]
    Missing {
        /// The key.
        key: String,
    },
    /// Two settings make sense together only.
    #[error("setting {one} goes with {other}: set both or neither")]
    Alone {
        /// One of them.
        one: String,
        /// The other.
        other: String,
    },
    /// A secret is given twice.
    #[error("setting {key} is given directly and as {key}_file: leave one out")]
    Twice {
        /// The key.
        key: String,
    },
}

/// Settings from the command line, which go before all others.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// The others, by key.
    pub settings: Vec<(&'static str, String)>,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    flags: Flags,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Sources {
    /// The process's: its flags, its environment, its directory.
    pub fn of_process(flags: Flags) -> Self {
        // A variable that is not Unicode can be none of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { flags, environment, directory: PathBuf::new() }
    }

    /// Others, for tests.
    pub fn given(
        flags: Flags,
        environment: impl IntoIterator<Item = (String, String)>,
        directory: &Path,
    ) -> Self {
        Self {
            flags,
            environment: environment.into_iter().collect(),
            directory: directory.to_owned(),
        }
    }

    /// Reads and checks everything.
    pub fn load(self) -> Result<Config, ConfigError> {
        let settings = Config::settings();
        let mut merged = Map::new();
        if let Some(file) = self.file()? {
            merged.extend(file);
        }
        merged.extend(self.variables(&settings));
        merged.extend(self.flagged(&settings));
        let merged = rename(merged);
        let merged = read_secrets(merged, &settings)?;
        check_keys(&merged, &settings)?;
        check_places(&merged)?;
        let config = config::Config::builder()
            .add_source(config::Config::try_from(&Config::default()).map_err(type_error)?)
            .add_source(Collected(with_places(merged)))
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(type_error)?;
        Config::validate(&config)?;
        Ok(config)
    }

    /// The file's settings by key: the one that is named has to be there.
    fn file(&self) -> Result<Option<Map<String, Value>>, ConfigError> {
        let named = self.flags.file.clone().map(|path| (path, "--config"));
        let named = named.or_else(|| {
            let path = self.environment.get(FILE_VARIABLE)?;
            Some((PathBuf::from(path), FILE_VARIABLE))
        });
        let (path, what) = match named {
            Some((path, what)) => (self.directory.join(path), what),
            None => {
                let path = self.directory.join(FILE);
                if !path.exists() {
                    return Ok(None);
                }
                (path, "the configuration")
            }
        };
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
            path: shown.clone(),
            what: what.to_owned(),
            source,
        })?;
        let collected = File::from_str(&text, FileFormat::Toml).collect();
        let tree = collected.map_err(|error| ConfigError::NotToml {
            path: shown.clone(),
            why: one_line(&error.to_string()),
        })?;
        let mut flat = Map::new();
        flatten("", tree.into(), &shown, &mut flat);
        Ok(Some(flat))
    }

    fn variables(&self, settings: &[Setting]) -> Map<String, Value> {
        let others = OTHER_NAMES.iter().filter_map(|(name, key)| {
            let value = self.environment.get(*name)?;
            Some(((*key).to_owned(), *name, value))
        });
        let ours = self.environment.iter().filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?;
            // Without a section it is none of the settings: the file's name, or another program's.
            let key = path.contains("__").then(|| path.to_lowercase().replace("__", "."))?;
            Some((key, name.as_str(), value))
        });
        let both = others.chain(ours);
        both.map(|(key, name, text)| {
            let origin = format!("the environment variable {name}");
            let value = understand(text, &key, settings, &origin);
            (key, value)
        })
        .collect()
    }

    fn flagged(&self, settings: &[Setting]) -> Map<String, Value> {
        let flags = self.flags.settings.iter();
        flags
            .map(|(key, text)| {
                let value = understand(text, key, settings, "a flag");
                ((*key).to_owned(), value)
            })
            .collect()
    }
}

/// Settings that were collected already.
#[derive(Clone, Debug)]
struct Collected(Map<String, Value>);

impl Source for Collected {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn understand(text: &str, key: &str, settings: &[Setting], origin: &str) -> Value {
    let origin = origin.to_owned();
    let is_list = settings.iter().any(|known| known.shape == Shape::List && known.is(key));
    if !is_list {
        return Value::new(Some(&origin), text);
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let items: Vec<_> = items.map(|item| Value::new(Some(&origin), item)).collect();
    Value::new(Some(&origin), items)
}

fn rename(mut settings: Map<String, Value>) -> Map<String, Value> {
    for (other, key) in OTHER_KEYS {
        if let Some(value) = settings.remove(*other) {
            let origin = value.origin().map(str::to_owned);
            let list = match value.kind {
                ValueKind::Array(_) => value,
                kind => {
                    let one = Value::new(origin.as_ref(), kind);
                    Value::new(origin.as_ref(), vec![one])
                }
            };
            settings.entry((*key).to_owned()).or_insert(list);
        }
    }
    settings
}

/// Replaces each `…_file` of a secret by what the file holds.
fn read_secrets(
    mut given: Map<String, Value>,
    settings: &[Setting],
) -> Result<Map<String, Value>, ConfigError> {
    let is_secret =
        |key: &str| settings.iter().any(|one| one.shape == Shape::Secret && one.is(key));
    let in_files = given.keys().filter_map(|key| key.strip_suffix(FROM_FILE));
    let in_files: BTreeSet<String> =
        in_files.filter(|key| is_secret(key)).map(str::to_owned).collect();
    for key in in_files {
        let file_key = format!("{key}{FROM_FILE}");
        let Some(file) = given.remove(&file_key) else { continue };
        if given.contains_key(&key) {
            return Err(ConfigError::Twice { key });
        }
        let origin = file.origin().unwrap_or("a file").to_owned();
        let path = file.into_string().map_err(type_error)?;
        let text = fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
            path: path.clone(),
            what: format!("{file_key} in {origin}"),
            source,
        })?;
        let text = text.trim_end_matches(['\n', '\r']);
        given.insert(key, Value::new(Some(&path), text));
    }
    Ok(given)
}

fn check_keys(given: &Map<String, Value>, settings: &[Setting]) -> Result<(), ConfigError> {
    let is_known = |key: &str, value: &Value| match &value.kind {
        // A list without anything, and a table of one.
        ValueKind::Array(items) if items.is_empty() => {
            settings.iter().any(|one| one.begins_with(key))
        }
        ValueKind::Table(_) => settings.iter().any(|one| one.begins_with(key)),
        _ => settings.iter().any(|one| one.is(key)),
    };
    let Some((key, value)) = given.iter().find(|(key, value)| !is_known(key, value)) else {
        return Ok(());
    };
    let origin = value.origin().unwrap_or("the defaults").to_owned();
    if let Some((_, now)) = FORMER_KEYS.iter().find(|(former, _)| former == key) {
        return Err(ConfigError::Renamed { former: key.clone(), key: now, origin });
    }
    let lists = settings.iter().filter_map(|one| one.key.split_once(&format!(".{PLACE}.")));
    let mut lists = lists.map(|(list, _)| list);
    let names_no_place = |list: &str| match key.strip_prefix(list) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('.')
            .is_some_and(|rest| rest.split('.').next().and_then(place).is_none()),
        None => false,
    };
    Err(match lists.find(|list| names_no_place(list)) {
        Some(list) => ConfigError::NoList { key: list.to_owned(), origin },
        None => ConfigError::Unknown { key: key.clone(), origin },
    })
}

fn type_error(error: config::ConfigError) -> ConfigError {
    ConfigError::Type(one_line(&error.to_string()))
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
