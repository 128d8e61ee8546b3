//! A setting: its key, its default and what it is for, declared in one place.

use campanile_exporter_prometheus::Network;
use serde::Serialize;
use std::{net::IpAddr, path::PathBuf};

/// What stands in a key for the place of a table in its list, which is counted from 0.
pub(crate) const PLACE: &str = "N";

/// One key of the configuration, as documents and checks need it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The whole key, such as `server.listen`.
    pub key: String,
    /// What it is for, as paragraphs of Markdown.
    pub help: &'static str,
    /// The default as TOML; `None` where there is none.
    pub default: Option<String>,
    /// How its text is understood.
    pub shape: Shape,
}

impl Setting {
    /// The section it is in, such as `server`.
    pub fn section(&self) -> &str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Whether this key is its own, or that of its place in a list.
    pub fn is(&self, key: &str) -> bool {
        self.key.split('.').count() == key.split('.').count() && self.begins_with(key)
    }

    /// Whether this key is that of a section it is in, or its own.
    pub(crate) fn begins_with(&self, key: &str) -> bool {
        let mut names = self.key.split('.');
        key.split('.').all(|name| match names.next() {
            Some(PLACE) => place(name).is_some(),
            known => known == Some(name),
        })
    }

    /// Its key within the section.
    pub fn name(&self) -> &str {
        self.key.rsplit_once('.').map_or(self.key.as_str(), |(_, name)| name)
    }
}

/// How the text of an environment variable becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As one value.
    One,
    /// As several, separated by commas.
    List,
    /// As one that is never shown, and may be in a file of its own.
    Secret,
}

/// A type that settings have, or a section of settings.
pub trait Described {
    /// Adds itself, or what is in it, to the list.
    fn describe(&self, key: &str, help: &'static str, settings: &mut Vec<Setting>);
}

/// Declares a section of the configuration: fields, defaults and help in one place.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        pub struct $name:ident {
            $( $(#[doc = $help:literal])+ $field:ident: $type:ty = $default:expr; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        // The defaults are the first source, which cannot hold empty lists: those come from here.
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[doc = $help])+ pub $field: $type, )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $crate::config::setting::Described for $name {
            fn describe(
                &self,
                key: &str,
                _help: &'static str,
                settings: &mut Vec<$crate::config::setting::Setting>,
            ) {
                $(
                    let key_of_field = $crate::config::setting::join(key, stringify!($field));
                    let help = concat!($($help, "\n"),+);
                    self.$field.describe(&key_of_field, help, settings);
                )+
            }
        }
    };
}
pub(crate) use section;

/// The place in a list that part of a key means. It is written in one way only.
pub(crate) fn place(name: &str) -> Option<usize> {
    name.parse().ok().filter(|place: &usize| place.to_string() == name)
}

/// The key of something within a section.
pub(crate) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// Adds one key with its default.
pub(crate) fn describe_one(
    (key, help): (&str, &'static str),
    default: Option<&impl Serialize>,
    shape: Shape,
    settings: &mut Vec<Setting>,
) {
    let default = default.map(|default| {
        let value = toml::Value::try_from(default).expect("every default is a TOML value");
        value.to_string()
    });
    settings.push(Setting { key: key.to_owned(), help, default, shape });
}

macro_rules! described {
    ($shape:ident: $($type:ty),+) => {$(
        impl Described for $type {
            fn describe(&self, key: &str, help: &'static str, settings: &mut Vec<Setting>) {
                describe_one((key, help), Some(self), Shape::$shape, settings);
            }
        }
    )+};
}
described!(One: bool, u16, u32, u64, usize, f64, String, PathBuf);
described!(List: Vec<String>, Vec<IpAddr>, Vec<NetworkText>);

/// A setting that may be left out.
macro_rules! optional {
    ($shape:ident: $($type:ty),+) => {$(
        impl $crate::config::setting::Described for Option<$type> {
            fn describe(
                &self,
                key: &str,
                help: &'static str,
                settings: &mut Vec<$crate::config::setting::Setting>,
            ) {
                let shape = $crate::config::setting::Shape::$shape;
                $crate::config::setting::describe_one((key, help), self.as_ref(), shape, settings);
            }
        }
    )+};
}
pub(crate) use optional;
optional!(One: String, PathBuf);

/// A section that there are several of, as the tables of a list. In keys, their place is [`PLACE`].
macro_rules! listed {
    ($($type:ty),+) => {$(
        impl $crate::config::setting::Described for Vec<$type> {
            fn describe(
                &self,
                key: &str,
                help: &'static str,
                settings: &mut Vec<$crate::config::setting::Setting>,
            ) {
                let key = $crate::config::setting::join(key, $crate::config::setting::PLACE);
                <$type>::default().describe(&key, help, settings);
            }
        }
    )+};
}
pub(crate) use listed;

/// A network or an address, kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkText {
    text: String,
    network: Network,
}

impl NetworkText {
    /// The network.
    pub fn network(&self) -> Network {
        self.network
    }
}

impl TryFrom<String> for NetworkText {
    type Error = campanile_exporter_prometheus::NetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let network = text.parse()?;
        Ok(Self { text, network })
    }
}

impl From<NetworkText> for String {
    fn from(network: NetworkText) -> Self {
        network.text
    }
}
