//! Which handler answers which method of which path.

use super::{
    account, app, channel, debug, health, invite, key, member, message, openapi, operator, pages,
    push, room, session, statistics, upload, webhook, webhook_health,
};
use crate::{limits::APP_BODY_BYTES_MAX, pusher, reply::Refused, sse, ws};
use actix_web::{
    Resource, Route, guard,
    http::Method,
    web::{self, PathConfig, PayloadConfig, QueryConfig, ServiceConfig},
};

/// Everything that is answered.
pub fn routes(config: &mut ServiceConfig) {
    config
        .app_data(PathConfig::default().error_handler(|error, _| {
            Refused::not_found(format!("the path is not understood: {error}")).into()
        }))
        .app_data(QueryConfig::default().error_handler(|error, _| {
            Refused::bad_request(format!("the query is not understood: {error}")).into()
        }))
        .service(pages_of("/", || page().to(pages::index)))
        .service(pages_of("/console", || page().to(pages::console)))
        .service(pages_of("/assets/{path:.*}", || page().to(pages::asset)))
        .service(pages_of("/favicon.ico", || page().to(pages::favicon)))
        .service(pages_of("/livez", || page().to(health::alive)))
        .service(pages_of("/readyz", || page().to(health::ready)))
        .service(answered("/ws", [(Method::GET, web::get().to(ws::upgrade))]))
        .service(answered("/sse", [(Method::GET, web::get().to(sse::subscribe))]))
        .service(answered("/api/openapi.json", [(Method::GET, web::get().to(openapi::show))]))
        .configure(applications)
        .configure(people)
        .configure(rooms)
        .configure(keys)
        .configure(pushes)
        .configure(operators)
        .configure(apps)
        .configure(watched)
        .configure(prefixed)
        .default_service(web::to(nothing_here));
}

fn applications(config: &mut ServiceConfig) {
    let app = |path, method: Method, route| {
        answered(path, [(method, route)]).app_data(PayloadConfig::new(APP_BODY_BYTES_MAX))
    };
    config
        .service(answered("/app/{key}", [(Method::GET, web::get().to(pusher::upgrade))]))
        .service(app("/apps/{app}/events", Method::POST, web::post().to(pusher::events)))
        .service(app(
            "/apps/{app}/batch_events",
            Method::POST,
            web::post().to(pusher::batch_events),
        ))
        .service(app("/apps/{app}/channels", Method::GET, web::get().to(pusher::channels)))
        .service(app("/apps/{app}/channels/{channel}", Method::GET, web::get().to(pusher::channel)))
        .service(app(
            "/apps/{app}/channels/{channel}/users",
            Method::GET,
            web::get().to(pusher::users),
        ))
        .service(app(
            "/apps/{app}/users/{user}/terminate_connections",
            Method::POST,
            web::post().to(pusher::terminate),
        ))
        .service(app(
            "/users/{user}/terminate_connections",
            Method::POST,
            web::post().to(pusher::terminate_by_key),
        ));
}

/// Clients may be told a path that goes before that of their connection. It comes last, so that it
/// takes no other path.
fn prefixed(config: &mut ServiceConfig) {
    let upgrade = web::get().to(pusher::upgrade);
    config.service(answered("/{prefix:.*}/app/{key}", [(Method::GET, upgrade)]));
}

fn people(config: &mut ServiceConfig) {
    config
        .service(answered("/api/v1/users", [(Method::POST, web::post().to(account::create))]))
        .service(answered(
            "/api/v1/registration",
            [(Method::GET, web::get().to(invite::registration))],
        ))
        .service(answered("/api/v1/login", [(Method::POST, web::post().to(session::log_in))]))
        .service(answered("/api/v1/logout", [(Method::POST, web::post().to(session::log_out))]))
        .service(answered("/api/v1/me", [(Method::GET, web::get().to(session::me))]))
        .service(answered(
            "/api/v1/me/password",
            [(Method::PUT, web::put().to(account::change_password))],
        ));
}

fn rooms(config: &mut ServiceConfig) {
    config
        .service(answered(
            "/api/v1/rooms",
            [
                (Method::POST, web::post().to(room::create)),
                (Method::GET, web::get().to(room::list)),
            ],
        ))
        .service(answered(
            "/api/v1/rooms/{room}",
            [
                (Method::GET, web::get().to(room::show)),
                (Method::PATCH, web::patch().to(room::change)),
                (Method::DELETE, web::delete().to(room::delete)),
            ],
        ))
        .service(answered(
            "/api/v1/rooms/{room}/members/{user}",
            [
                (Method::PUT, web::put().to(member::put)),
                (Method::DELETE, web::delete().to(member::remove)),
            ],
        ))
        .service(answered(
            "/api/v1/rooms/{room}/messages",
            [
                (Method::POST, web::post().to(message::send)),
                (Method::GET, web::get().to(message::history)),
            ],
        ))
        .service(answered(
            "/api/v1/rooms/{room}/uploads",
            [(Method::POST, web::post().to(upload::create))],
        ))
        .service(answered("/api/v1/uploads/{id}", [(Method::GET, web::get().to(upload::show))]));
}

fn keys(config: &mut ServiceConfig) {
    config
        .service(answered("/api/v1/keys", [(Method::PUT, web::put().to(key::put))]))
        .service(answered("/api/v1/keys/count", [(Method::GET, web::get().to(key::count))]))
        .service(answered(
            "/api/v1/keys/{user}/claim",
            [(Method::POST, web::post().to(key::claim))],
        ));
}

fn pushes(config: &mut ServiceConfig) {
    config
        .service(answered("/api/v1/push-key", [(Method::GET, web::get().to(push::key))]))
        .service(answered(
            "/api/v1/push-subscriptions",
            [
                (Method::PUT, web::put().to(push::subscribe)),
                (Method::DELETE, web::delete().to(push::unsubscribe)),
            ],
        ));
}

fn apps(config: &mut ServiceConfig) {
    config
        .service(answered(
            "/api/v1/apps",
            [(Method::POST, web::post().to(app::create)), (Method::GET, web::get().to(app::list))],
        ))
        .service(answered(
            "/api/v1/apps/{app}",
            [
                (Method::GET, web::get().to(app::show)),
                (Method::PATCH, web::patch().to(app::change)),
                (Method::DELETE, web::delete().to(app::delete)),
            ],
        ))
        .service(answered(
            "/api/v1/apps/{app}/keys",
            [(Method::POST, web::post().to(app::add_key))],
        ))
        .service(answered(
            "/api/v1/apps/{app}/keys/{key}",
            [(Method::DELETE, web::delete().to(app::revoke_key))],
        ));
}

fn operators(config: &mut ServiceConfig) {
    config
        .service(answered(
            "/api/v1/users/{user}/ban",
            [
                (Method::PUT, web::put().to(operator::ban)),
                (Method::DELETE, web::delete().to(operator::unban)),
            ],
        ))
        .service(answered(
            "/api/v1/invites",
            [
                (Method::POST, web::post().to(invite::create)),
                (Method::GET, web::get().to(invite::list)),
            ],
        ))
        .service(answered(
            "/api/v1/invites/{invite}",
            [(Method::DELETE, web::delete().to(invite::revoke))],
        ))
        .service(answered("/api/v1/webhooks/dead", [(Method::GET, web::get().to(webhook::dead))]))
        .service(answered(
            "/api/v1/webhooks/dead/revive",
            [(Method::POST, web::post().to(webhook::revive))],
        ))
        .service(answered("/api/v1/stats", [(Method::GET, web::get().to(statistics::stats))]))
        .service(answered("/api/v1/stats/rooms", [(Method::GET, web::get().to(statistics::rooms))]))
        .service(answered(
            "/api/v1/stats/connections",
            [(Method::GET, web::get().to(statistics::connections))],
        ))
        .service(answered("/api/v1/nodes", [(Method::GET, web::get().to(statistics::nodes))]));
}

/// What operators see of applications.
fn watched(config: &mut ServiceConfig) {
    config
        .service(answered(
            "/api/v1/apps/{app}/channels",
            [(Method::GET, web::get().to(channel::list))],
        ))
        .service(answered(
            "/api/v1/apps/{app}/channels/{channel}",
            [(Method::GET, web::get().to(channel::show))],
        ))
        .service(answered(
            "/api/v1/apps/{app}/events",
            [(Method::POST, web::post().to(channel::publish))],
        ))
        .service(answered("/api/v1/apps/{app}/debug", [(Method::GET, web::get().to(debug::watch))]))
        .service(answered(
            "/api/v1/webhooks",
            [(Method::GET, web::get().to(webhook_health::show))],
        ));
}

/// A path with its methods; any other one is told which there are.
fn answered<const METHODS: usize>(path: &str, routes: [(Method, Route); METHODS]) -> Resource {
    let methods: Vec<Method> = routes.iter().map(|(method, _)| method.clone()).collect();
    let resource =
        routes.into_iter().fold(web::resource(path), |resource, (_, route)| resource.route(route));
    resource.default_service(web::to(move || {
        let refused = Refused::method_not_allowed(methods.clone());
        async { Err::<String, _>(refused) }
    }))
}

/// A path that is read, with or without its body.
fn pages_of(path: &str, route: impl FnOnce() -> Route) -> Resource {
    let resource = web::resource(path).route(route());
    resource.default_service(web::to(|| async {
        Err::<String, _>(Refused::method_not_allowed(vec![Method::GET, Method::HEAD]))
    }))
}

fn page() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn nothing_here() -> Result<String, Refused> {
    Err(Refused::not_found("there is nothing here"))
}
