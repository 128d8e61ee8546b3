//! The application that a server makes for itself where its settings have none.

use super::known::checked;
use crate::{
    config::{self, Config, ConfigError, Secret, apps::check_one},
    logs::events,
    private_file, token,
    wiring::adapters::BusKind,
};
use campanile_core::application::{Applications, SenselessApp};
use serde::Deserialize;
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

/// The file of the application, in the data directory.
pub const APP_FILE: &str = "app.toml";

/// Its identity: digits only, as there are libraries that take nothing else.
const ID: &str = "1";

/// Why it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AppsError {
    /// The file cannot be read or written.
    #[error("cannot use {} (server.data_dir): {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is kept is no application.
    #[error("{}: {why}; put it right, or remove it for a new application with a new key", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Why not.
        why: String,
    },
}

/// The applications of these settings, else the one of this server alone.
pub fn settle(config: &Config, bus: &BusKind) -> Result<Vec<config::App>, AppsError> {
    if !config.apps.is_empty() {
        return Ok(config.apps.clone());
    }
    if *bus == BusKind::Redis {
        let reason = "nodes that share a bus have to share their apps, and none is set";
        events::NoApps { reason }.emit();
        return Ok(Vec::new());
    }
    let file = config.server.data_dir.join(APP_FILE);
    if let Some(app) = read(&file)? {
        return Ok(vec![app]);
    }
    let app = make();
    let written = private_file::keep(&file, to_text(&app).as_bytes());
    written.map_err(|source| AppsError::File { file: file.clone(), source })?;
    events::AppMade { app: ID, file: &file.display().to_string() }.emit();
    Ok(vec![app])
}

/// Which applications a server with these settings has, for `campanile check`.
pub(crate) fn look_at_apps(config: &Config) -> Result<String, String> {
    let bus = BusKind::of(config).map_err(|error| error.to_string())?;
    let file = config.server.data_dir.join(APP_FILE);
    if !config.apps.is_empty() {
        let ids = config.apps.iter().filter_map(|app| app.id.as_deref());
        return Ok(ids.collect::<Vec<_>>().join(", "));
    }
    if bus == BusKind::Redis {
        return Ok("none, as none is set and nodes have to share them".to_owned());
    }
    match read(&file).map_err(|error| error.to_string())? {
        Some(_) => Ok(format!("{ID}, which is kept in {}", file.display())),
        None => Ok(format!("{ID}, which the first start makes, in {}", file.display())),
    }
}

/// Which applications operators have made, for `campanile check`.
pub(crate) fn look_at_stored(config: &Config, stored: &Applications) -> Result<String, String> {
    let mut wrong: Vec<_> = stored
        .senseless
        .iter()
        .map(|SenselessApp { id, why }| format!("{id:?} makes no sense: {why}"))
        .collect();
    let mut fine = Vec::new();
    for app in &stored.all {
        match checked(app, serde_json::from_str(&app.settings)) {
            Ok(settings) => fine.push(format!("{}{}", app.id, standing(config, &settings))),
            Err(error) => wrong.push(format!("{} cannot be served: {error}", app.id)),
        }
    }
    match (wrong.is_empty(), fine.is_empty()) {
        (true, true) => Ok("none".to_owned()),
        (true, false) => Ok(fine.join(", ")),
        (false, _) => Err(wrong.join("; ")),
    }
}

/// What is to be said of an application of the store beside its id.
fn standing(config: &Config, app: &config::App) -> &'static str {
    let keys = |app: &config::App| app.credentials().map(|(key, _)| key.to_owned()).collect();
    let own: HashSet<String> = keys(app);
    let hides = |one: &config::App| one.id == app.id || !own.is_disjoint(&keys(one));
    match app.enabled {
        _ if config.apps.iter().any(hides) => " (hidden by the settings)",
        true => "",
        false => " (disabled)",
    }
}

/// What the file holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: String,
    key: String,
    secret: Secret,
}

fn read(file: &Path) -> Result<Option<config::App>, AppsError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(AppsError::File { file: file.to_owned(), source }),
    };
    let damaged = |why| AppsError::Damaged { file: file.to_owned(), why };
    // What the parser says may repeat the line of the secret.
    let kept: Kept = toml::from_str(&text)
        .map_err(|_| damaged("it does not say id, key and secret in TOML".to_owned()))?;
    let app = app(kept);
    check_one(&app, "").map_err(|error: ConfigError| damaged(error.to_string()))?;
    Ok(Some(app))
}

fn make() -> config::App {
    let (key, secret): ([u8; 10], [u8; 20]) = (rand::random(), rand::random());
    app(Kept { id: ID.to_owned(), key: token::hex(&key), secret: Secret::new(token::hex(&secret)) })
}

fn app(Kept { id, key, secret }: Kept) -> config::App {
    config::App { id: Some(id), key: Some(key), secret: Some(secret), ..config::App::default() }
}

fn to_text(app: &config::App) -> String {
    let mut text = "\
        # The application that this server made for itself, as its settings have none.\n\
        # To have others, or to change it, put it into the settings, under [[apps]].\n"
        .to_owned();
    text += &format!("id = {ID:?}\n");
    for (key, secret) in app.credentials() {
        text += &format!("key = {key:?}\nsecret = {:?}\n", secret.reveal());
    }
    text
}

#[cfg(test)]
mod tests;
