//! Applications that operators make while the server runs.

use super::Fault;
use crate::{
    application::{AppKey, AppName, Application, Applications},
    channel::AppId,
    time::Timestamp,
};
use async_trait::async_trait;

/// Keeps applications with their keys and secrets. Each call is atomic and durable: a refusal has
/// changed nothing.
#[async_trait]
pub trait AppStore: Send + Sync {
    /// Makes an application, with its keys. At most `kept_max` are kept, this one among them.
    async fn create(&self, app: Application, kept_max: u64) -> Result<(), CreateAppError>;

    /// All applications by id, each as it was at one moment. What makes no sense is told beside them:
    /// it keeps nobody from the others, and can be deleted.
    async fn list(&self) -> Result<Applications, Fault>;

    /// Changes an application and answers with what it is now. What is not named stays.
    async fn change(&self, id: &AppId, change: AppChange) -> Result<Application, ChangeAppError>;

    /// Forgets an application and its keys; whether there was one.
    async fn delete(&self, id: &AppId) -> Result<bool, Fault>;

    /// Gives an application one more key, at most `keys_max`, and answers with the key as it is kept.
    /// Its time is that of the change; where the application has a key that is not older, it is a
    /// millisecond after that one: clocks of nodes differ, and the new key is the newest.
    async fn add_key(
        &self,
        id: &AppId,
        key: AppKey,
        keys_max: usize,
    ) -> Result<AppKey, AddAppKeyError>;

    /// Takes a key from an application. The last one stays.
    async fn revoke_key(
        &self,
        id: &AppId,
        key: &str,
        now: Timestamp,
    ) -> Result<(), RevokeAppKeyError>;
}

/// A change of an application.
#[derive(Clone, Debug)]
pub struct AppChange {
    /// Another name.
    pub name: Option<AppName>,
    /// Whether it is served from now on.
    pub enabled: Option<bool>,
    /// Other settings, all of them.
    pub settings: Option<String>,
    /// Nothing is changed unless the settings are these: what they are to be was made of them.
    pub settings_before: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Why an application was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateAppError {
    /// There is one of this id.
    #[error("there is an application of this id")]
    IdTaken,
    /// One of its keys is that of another.
    #[error("the key is that of another application")]
    KeyTaken,
    /// Too many would be kept.
    #[error("too many applications would be kept")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why an application was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeAppError {
    /// There is no such application.
    #[error("there is no such application")]
    NotFound,
    /// Its settings are not those that they were to be.
    #[error("somebody else has just changed the settings of the application")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why an application got no other key.
#[derive(Debug, thiserror::Error)]
pub enum AddAppKeyError {
    /// There is no such application.
    #[error("there is no such application")]
    NotFound,
    /// Some application has this key.
    #[error("some application has this key")]
    KeyTaken,
    /// It would have too many.
    #[error("the application would have too many keys")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a key was not taken from an application.
#[derive(Debug, thiserror::Error)]
pub enum RevokeAppKeyError {
    /// There is no such application, or it has no such key.
    #[error("there is no such key")]
    NotFound,
    /// It has no other.
    #[error("the application has no other key")]
    Last,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}
