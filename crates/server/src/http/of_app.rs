//! The application that a path names.

use super::edge::Edge;
use crate::{apps::App, reply::Refused};
use campanile_core::channel::AppId;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Which application.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfApp {
    /// The application's id.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    app: String,
}

impl OfApp {
    /// Its id, whether or not it is there.
    pub(super) fn id(&self) -> Result<AppId, Refused> {
        parse_app_id(&self.app)
    }

    /// What it is now.
    pub(super) fn find(&self, edge: &Edge) -> Result<Arc<App>, Refused> {
        edge.apps.by_id(&self.app).ok_or_else(no_such_app)
    }
}

/// The id that a text is.
pub(super) fn parse_app_id(id: &str) -> Result<AppId, Refused> {
    AppId::parse(id).map_err(|error| Refused::bad_request(error.to_string()))
}

/// That there is none.
pub(super) fn no_such_app() -> Refused {
    Refused::not_found("there is no such application")
}
