//! Whether this node lives, and whether it is ready for more.

use super::edge::Edge;
use crate::reply::Refused;
use actix_web::{HttpResponse, web::Data};

/// `GET /livez`: the process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// `GET /readyz`: the store can be reached, and the node is not about to stop.
pub(super) async fn ready(edge: Data<Edge>) -> Result<HttpResponse, Refused> {
    if edge.health.is_draining() {
        return Err(Refused::unavailable("this node is stopping"));
    }
    if !edge.health.probe_store().await {
        return Err(Refused::unavailable("the store cannot be reached"));
    }
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}
