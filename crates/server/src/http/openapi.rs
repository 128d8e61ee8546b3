//! The description of the REST interface, written from the handlers.

use super::{
    account, app, channel, debug, invite, key, member, message, operator, push, room, session,
    statistics, upload, webhook, webhook_health,
};
use crate::{
    reply::{PROBLEM_JSON, Problem},
    sse,
};
use actix_web::HttpResponse;
use std::sync::LazyLock;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Header, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, PathItem},
        schema::{Object, Type},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Campanile",
        description = "The REST interface of a Campanile chat server. Live events come over the \
            WebSocket at `/ws`, or as server-sent events from `/sse`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        account::create,
        account::change_password,
        push::key,
        push::subscribe,
        push::unsubscribe,
        invite::registration,
        invite::create,
        invite::list,
        invite::revoke,
        session::log_in,
        session::log_out,
        session::me,
        room::create,
        room::list,
        room::show,
        room::change,
        room::delete,
        member::put,
        member::remove,
        message::send,
        message::history,
        upload::create,
        upload::show,
        key::put,
        key::count,
        key::claim,
        sse::subscribe,
        app::list,
        app::create,
        app::show,
        app::change,
        app::delete,
        app::add_key,
        app::revoke_key,
        operator::ban,
        operator::unban,
        statistics::stats,
        statistics::rooms,
        statistics::connections,
        statistics::nodes,
        webhook::dead,
        webhook::revive,
        webhook_health::show,
        channel::list,
        channel::show,
        channel::publish,
        debug::watch,
    ),
    components(schemas(Problem)),
    modifiers(&Common),
)]
struct Api;

/// The name of the security scheme.
const BEARER: &str = "token";

/// The description, as served.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let document = Api::openapi().to_pretty_json();
        document.expect("the description is plain data")
    });
    &DOCUMENT
}

/// `GET /api/openapi.json`.
pub(super) async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}

/// What is the same for all operations, said once.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme(BEARER, scheme);
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                describe(operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
    all.into_iter().flatten()
}

fn describe(operation: &mut Operation) {
    let is_open = operation.security.is_some();
    if !is_open {
        let none: [&str; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new(BEARER, none)]);
    }
    let mut common = vec![
        ("400", "The request makes no sense."),
        ("429", "Too many requests."),
        ("431", "The headers are too long."),
        ("500", "The server is at fault."),
        ("503", "The server cannot do this now."),
    ];
    if !is_open {
        common.push(("401", "The asker is not known."));
    }
    if operation.request_body.is_some() {
        common.push(("413", "The body is too long."));
        common.push(("415", "The body is not sent as JSON."));
    }
    let responses = &mut operation.responses.responses;
    for (status, description) in common {
        let response = ResponseBuilder::new().description(description).build();
        responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    }
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            problem(status, response);
        }
    }
}

/// Every refusal is a problem of RFC 9457.
fn problem(status: &str, response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response.content.insert(PROBLEM_JSON.to_owned(), content.into());
    let headers: &[(&str, &str)] = match status {
        "401" => &[("WWW-Authenticate", "How to say who asks.")],
        "429" | "503" => &[("Retry-After", "Seconds to wait.")],
        _ => &[],
    };
    for (name, description) in headers {
        let mut header = Header::new(Object::with_type(Type::String));
        header.description = Some((*description).to_owned());
        response.headers.insert((*name).to_owned(), header.into());
    }
}
