//! Applications, as operators see them.

use super::{
    asked::Operator,
    edge::Edge,
    shapes::{App, AppList},
};
use crate::apps;
use actix_web::{HttpResponse, web::Data};

/// Lists the applications: those of the configuration, then the others by id.
#[utoipa::path(
    get, path = "/api/v1/apps", tag = "operators", operation_id = "listApps",
    responses(
        (status = 200, description = "The applications.", body = AppList),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn list(edge: Data<Edge>, _operator: Operator) -> HttpResponse {
    let apps = edge.apps.iter().map(|app| shown(&edge, app)).collect();
    HttpResponse::Ok().json(AppList { apps })
}

fn shown(edge: &Edge, app: &apps::App) -> App {
    App::of(app, edge.chat.directory().connections_of(&app.id))
}
