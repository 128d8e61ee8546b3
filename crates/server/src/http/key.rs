//! Prekeys: publishing one's own, and claiming a bundle of somebody to begin an encrypted session.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    shapes::{BundleAnswer, KeysLeftAnswer, NewPrekeys},
};
use crate::reply::Refused;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use campanile_core::name::UserName;

/// Publishes prekeys of the asker, as in X3DH and PQXDH.
///
/// The identity key, the signed prekey and the kem prekey of last resort take the place of those
/// before: without a last resort there is none. One-time and kem prekeys are added to those that
/// are left; the server passes over ids that are not above the highest it was given of the kind,
/// so a repeated request adds nothing. Another identity key begins anew. See
/// <https://signal.org/docs/specifications/x3dh/> and
/// <https://signal.org/docs/specifications/pqxdh/>.
#[utoipa::path(
    put, path = "/api/v1/keys", tag = "keys", operation_id = "publishPrekeys",
    request_body = NewPrekeys,
    responses(
        (status = 200, description = "Published; this is left now.", body = KeysLeftAnswer),
        (status = 409, description = "Too many prekeys of a kind would be kept."),
    ),
)]
pub(super) async fn put(
    edge: Data<Edge>,
    caller: Caller,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let prekeys: NewPrekeys = sent.json().await?;
    let left = edge.chat.publish_prekeys(&caller.user, prekeys.into()).await?;
    Ok(HttpResponse::Ok().json(KeysLeftAnswer::from(left)))
}

/// How many prekeys of the asker are left.
#[utoipa::path(
    get, path = "/api/v1/keys/count", tag = "keys", operation_id = "countPrekeys",
    responses(
        (status = 200, description = "What is left.", body = KeysLeftAnswer),
    ),
)]
pub(super) async fn count(edge: Data<Edge>, caller: Caller) -> Result<HttpResponse, Refused> {
    let left = edge.chat.prekeys_left(&caller.user).await?;
    Ok(HttpResponse::Ok().json(KeysLeftAnswer::from(left)))
}

/// Hands out a bundle of a user's prekeys.
///
/// Its one-time prekey and its kem prekey are given to nobody else. When no one-time prekey is
/// left there is none in the bundle; when no kem prekey is, the last resort takes its place.
#[utoipa::path(
    post, path = "/api/v1/keys/{user}/claim", tag = "keys", operation_id = "claimPrekeys",
    params(("user" = String, Path, description = "The user's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    responses(
        (status = 200, description = "A bundle.", body = BundleAnswer),
        (status = 404, description = "No such user, or none who has published prekeys."),
    ),
)]
pub(super) async fn claim(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let user = UserName::parse(&path)?;
    let bundle = edge.chat.claim_prekeys(&caller.user, &user).await?;
    Ok(HttpResponse::Ok().json(BundleAnswer::of(&user, bundle)))
}
