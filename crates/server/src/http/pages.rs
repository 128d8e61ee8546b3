//! The pages, which are part of the program.

use crate::reply::Refused;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag, IfNoneMatch},
    web::Path,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "web"]
struct Files;

/// What a page of ours may do: only what this server gave it.
const POLICY: &str = "default-src 'self'; connect-src 'self'; img-src 'self'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=()";

/// `GET /`: the chat.
pub(super) async fn index(request: HttpRequest) -> Result<HttpResponse, Refused> {
    file(&request, "index.html")
}

/// `GET /console`: the operator's page.
pub(super) async fn console(request: HttpRequest) -> Result<HttpResponse, Refused> {
    file(&request, "console.html")
}

/// `GET /favicon.ico`.
pub(super) async fn favicon(request: HttpRequest) -> Result<HttpResponse, Refused> {
    file(&request, "favicon.svg")
}

/// `GET /assets/{path}`: everything else of the pages.
pub(super) async fn asset(
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    file(&request, &path)
}

fn file(request: &HttpRequest, path: &str) -> Result<HttpResponse, Refused> {
    let media_type = media_type(path).ok_or_else(absent)?;
    let file = Files::get(path).ok_or_else(absent)?;
    let tag = tag(&file);
    let mut response = match is_known(request, &tag) {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header((header::PERMISSIONS_POLICY, PERMISSIONS))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::ETAG, tag.to_string()));
    if is_known(request, &tag) {
        return Ok(response.finish());
    }
    Ok(response.content_type(media_type).body(file.data))
}

/// By extension; what has none of these is not served.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        _ => return None,
    })
}

fn tag(file: &EmbeddedFile) -> EntityTag {
    EntityTag::new_strong(URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()))
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    use actix_web::http::header::Header as _;
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|one| one.weak_eq(tag)),
        Err(_) => false,
    }
}

fn absent() -> Refused {
    Refused::not_found("there is no such page")
}
