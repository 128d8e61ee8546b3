//! Applications that operators make while the server runs, and their keys.

use crate::{
    channel::{AppId, AppIdError},
    time::Timestamp,
};
use std::{fmt, sync::Arc};

/// Longest name of an application, in characters.
pub const APP_NAME_CHARACTERS_MAX: usize = 100;

/// What people call an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppName(String);

/// Why a text is no name of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of an application has 1 to {APP_NAME_CHARACTERS_MAX} characters, none of them a control character"
)]
pub struct AppNameError;

/// An application that was made while the server ran. Those of the configuration are none of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its identity.
    pub id: AppId,
    /// What people call it.
    pub name: AppName,
    /// Whether it is served.
    pub enabled: bool,
    /// What it is set to, in the form that the edge gives it. It holds no NUL.
    pub settings: String,
    /// Its keys, each as good as the others, the oldest first; at least one.
    pub keys: Vec<AppKey>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it, or a key of it, was last changed.
    pub changed_at: Timestamp,
}

/// A key of an application, with the secret that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppKey {
    /// What is shown to everyone: unlike the key of any other application, in the form that the
    /// edge gives it.
    pub key: String,
    /// What signs.
    pub secret: AppSecret,
    /// When it was made.
    pub made_at: Timestamp,
}

/// The secret of a key. It is kept as it is, since signatures are made and checked with it, and is
/// written nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret(pub String);

/// What a store has of applications.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applications {
    /// Those that make sense, by id, each as it was at one moment.
    pub all: Vec<Application>,
    /// What makes none: no server wrote it, and nobody is served by it.
    pub senseless: Vec<SenselessApp>,
}

/// What a store has in the place of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenselessApp {
    /// Its id, if it has any.
    pub id: String,
    /// What is wrong with it.
    pub why: AppRowError,
}

/// An application as it is read, once for each of its keys.
#[derive(Clone, Debug)]
pub struct AppRow {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether it is served.
    pub enabled: bool,
    /// What it is set to.
    pub settings: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// One of its keys, if it has any.
    pub key: Option<AppKey>,
}

/// Why a row is no application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppRowError {
    /// Its id is none.
    #[error(transparent)]
    Id(#[from] AppIdError),
    /// Its name is none.
    #[error(transparent)]
    Name(#[from] AppNameError),
    /// A column cannot be read, for this reason.
    #[error("{0}")]
    Column(Arc<str>),
}

impl Applications {
    /// Gathers them from rows by id, then by the age of the keys. Of a row that cannot be read the
    /// id is known, if any is.
    pub fn gather(rows: impl IntoIterator<Item = Result<AppRow, SenselessApp>>) -> Self {
        let mut gathered = Self::default();
        for row in rows {
            match row.and_then(AppRow::read) {
                Ok(app) => match gathered.all.last_mut().filter(|last| last.id == app.id) {
                    Some(last) => last.keys.extend(app.keys),
                    None => gathered.all.push(app),
                },
                Err(senseless) if gathered.senseless.last() == Some(&senseless) => {}
                Err(senseless) => gathered.senseless.push(senseless),
            }
        }
        gathered
    }
}

impl AppRow {
    /// The application with the key of this row.
    fn read(self) -> Result<Application, SenselessApp> {
        let parsed = AppId::parse(&self.id)
            .map_err(AppRowError::from)
            .and_then(|id| Ok((id, AppName::parse(&self.name)?)));
        let (id, name) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return Err(SenselessApp { id: self.id, why }),
        };
        Ok(Application {
            id,
            name,
            enabled: self.enabled,
            settings: self.settings,
            keys: self.key.into_iter().collect(),
            made_at: self.made_at,
            changed_at: self.changed_at,
        })
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AppSecret(…)")
    }
}

impl AppName {
    /// Takes a text that people can read on one line.
    pub fn parse(text: &str) -> Result<Self, AppNameError> {
        let characters = text.chars().count();
        let fits = (1..=APP_NAME_CHARACTERS_MAX).contains(&characters);
        let is_name = fits && !text.chars().any(char::is_control);
        if is_name { Ok(Self(text.to_owned())) } else { Err(AppNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_on_one_line() {
        for good in ["Shop", "ü", &"ü".repeat(APP_NAME_CHARACTERS_MAX), " "] {
            assert_eq!(AppName::parse(good).expect("a name").as_str(), good);
        }
        for bad in ["", "a\nb", "\0", &"ü".repeat(APP_NAME_CHARACTERS_MAX + 1)] {
            assert_eq!(AppName::parse(bad), Err(AppNameError), "{bad:?}");
        }
    }

    fn row(id: &str, name: &str, key: Option<&str>) -> Result<AppRow, SenselessApp> {
        let at = Timestamp(1);
        let key = key.map(|key| AppKey {
            key: key.to_owned(),
            secret: AppSecret("a secret".to_owned()),
            made_at: at,
        });
        Ok(AppRow {
            id: id.to_owned(),
            name: name.to_owned(),
            enabled: true,
            settings: "{}".to_owned(),
            made_at: at,
            changed_at: at,
            key,
        })
    }

    #[test]
    fn rows_are_gathered_and_what_makes_no_sense_is_told_once() {
        let why = AppRowError::Column("no number".into());
        let unread = SenselessApp { id: "b".to_owned(), why };
        let gathered = Applications::gather([
            row("a", "A", Some("1")),
            row("a", "A", Some("2")),
            row("b", "B", Some("3")),
            Err(unread.clone()),
            row("c", "", Some("4")),
            row("c", "", Some("5")),
            row("d", "D", None),
            row("no id", "E", Some("6")),
        ]);
        let keys = gathered.all.iter().map(|app| {
            let keys: Vec<_> = app.keys.iter().map(|key| key.key.as_str()).collect();
            format!("{}: {}", app.id, keys.join(", "))
        });
        assert_eq!(keys.collect::<Vec<_>>(), ["a: 1, 2", "b: 3", "d: "]);
        let nameless = SenselessApp { id: "c".to_owned(), why: AppNameError.into() };
        let no_id = SenselessApp { id: "no id".to_owned(), why: AppIdError.into() };
        assert_eq!(gathered.senseless, [unread, nameless, no_id]);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = AppSecret("tell nobody".to_owned());
        assert_eq!(format!("{secret:?}"), "AppSecret(…)");
    }
}
