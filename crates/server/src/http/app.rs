//! Applications: operators see them, make them, change them, and give them other keys.
//!
//! A change is in the store when it is answered, and in force on this node, unless the store could
//! not be read again just then; on the others it is within seconds. Those of the configuration are
//! changed there.

use super::{
    asked::{Operator, Sent},
    edge::Edge,
    of_app::{OfApp, no_such_app, parse_app_id},
    shapes::{App, AppAnswer, AppChange, AppList, AppSecretAnswer, NewApp, NewAppAnswer},
};
use crate::{
    apps::{self, AppSettings, Source, new_id, new_key},
    config,
    logs::events,
    reply::Refused,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use campanile_core::{
    application::{AppKey, AppName, Application},
    channel::AppId,
    port::{self, ChangeAppError},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

/// How often a change is made again of what somebody else has changed meanwhile.
const CHANGE_TRIES: usize = 8;

/// Which key of an application.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NamedKey {
    /// The key.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    key: String,
}

/// Lists the applications: those of the configuration, then the others by id.
#[utoipa::path(
    get, path = "/api/v1/apps", tag = "operators", operation_id = "listApps",
    responses(
        (status = 200, description = "The applications.", body = AppList),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn list(edge: Data<Edge>, _operator: Operator) -> HttpResponse {
    let apps = edge.apps.all().iter().map(|app| shown(&edge, app)).collect();
    HttpResponse::Ok().json(AppList { apps })
}

/// One application.
#[utoipa::path(
    get, path = "/api/v1/apps/{app}", tag = "operators", operation_id = "showApp",
    params(OfApp),
    responses(
        (status = 200, description = "The application.", body = AppAnswer),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
    ),
)]
pub(super) async fn show(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
) -> Result<HttpResponse, Refused> {
    of.id()?;
    let app = of.find(&edge)?;
    Ok(HttpResponse::Ok().json(AppAnswer { app: shown(&edge, &app) }))
}

/// Makes an application with one key, whose secret is shown this once.
#[utoipa::path(
    post, path = "/api/v1/apps", tag = "operators", operation_id = "createApp",
    request_body = NewApp,
    responses(
        (status = 201, description = "It is made.", body = NewAppAnswer),
        (status = 403, description = "The asker is no operator."),
        (status = 409, description = "There is one of this id, or too many would be kept."),
    ),
)]
pub(super) async fn create(
    edge: Data<Edge>,
    _operator: Operator,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let NewApp { id, name, enabled, settings } = sent.json().await?;
    let id = id.as_deref().map(parse_app_id).transpose()?.unwrap_or_else(new_id);
    let now = edge.chat.clock().now();
    let key = new_key(now);
    let settings = merged(&AppSettings::default(), settings.unwrap_or_default())?;
    let app = Application {
        name: AppName::parse(&name)?,
        enabled: enabled.unwrap_or(true),
        settings: settings.to_text(),
        keys: vec![key.clone()],
        made_at: now,
        changed_at: now,
        id,
    };
    check(&edge, &app)?;
    let _alone = edge.apps.changing.lock().await;
    if edge.apps.by_id(app.id.as_str()).is_some() {
        return Err(Refused::conflict("there is an application of this id"));
    }
    edge.chat.make_app(app.clone()).await?;
    events::AppAdded { app: app.id.as_str() }.emit();
    put_in_force(&edge).await;
    let app = stored(&edge, &app, settings);
    let AppKey { key, secret, .. } = key;
    Ok(HttpResponse::Created().json(NewAppAnswer { app, key, secret: secret.0 }))
}

/// Changes an application. What is left out stays as it is, within `settings` too.
#[utoipa::path(
    patch, path = "/api/v1/apps/{app}", tag = "operators", operation_id = "changeApp",
    params(OfApp),
    request_body = AppChange,
    responses(
        (status = 200, description = "It is changed.", body = AppAnswer),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
        (status = 409, description = "It is one of the configuration, a newer server wrote its settings, or others change them all the time."),
    ),
)]
pub(super) async fn change(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let id = of.id()?;
    let AppChange { name, enabled, settings } = sent.json().await?;
    let name = name.as_deref().map(AppName::parse).transpose()?;
    let _alone = edge.apps.changing.lock().await;
    changeable(&edge, &id)?;
    // Somebody may change it on another node at the same time.
    for _ in 0..CHANGE_TRIES {
        let before = edge.chat.applications().await?;
        let before = before.all.into_iter().find(|app| app.id == id).ok_or_else(no_such_app)?;
        let settings =
            settings.clone().map(|change| changed(&edge, &before, change)).transpose()?;
        // One that is served as it was before a newer server changed it can be disabled here.
        let served = || edge.apps.by_id(id.as_str()).map(|app| app.settings.clone());
        let known = understood(&before).or_else(|refused| served().ok_or(refused))?;
        let change = port::AppChange {
            name: name.clone(),
            enabled,
            settings_before: settings.is_some().then_some(before.settings),
            settings,
            at: edge.chat.clock().now(),
        };
        let app = match edge.chat.change_app(&id, change).await {
            Err(ChangeAppError::Stale) => continue,
            changed => changed?,
        };
        events::AppChanged { app: id.as_str(), enabled: app.enabled }.emit();
        put_in_force(&edge).await;
        let settings = understood(&app).unwrap_or(known);
        return Ok(HttpResponse::Ok().json(AppAnswer { app: stored(&edge, &app, settings) }));
    }
    Err(ChangeAppError::Stale.into())
}

/// Deletes an application. Its connections are closed.
#[utoipa::path(
    delete, path = "/api/v1/apps/{app}", tag = "operators", operation_id = "deleteApp",
    params(OfApp),
    responses(
        (status = 204, description = "It is gone."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
        (status = 409, description = "It is one of the configuration."),
    ),
)]
pub(super) async fn delete(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
) -> Result<HttpResponse, Refused> {
    let id = of.id()?;
    let _alone = edge.apps.changing.lock().await;
    // One that the configuration hides is in the store all the same, and goes from there.
    if !edge.chat.delete_app(&id).await? {
        changeable(&edge, &id)?;
        return Err(no_such_app());
    }
    events::AppDeleted { app: id.as_str() }.emit();
    put_in_force(&edge).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives an application one more key, whose secret is shown this once. It is as good as those that
/// the application has, until these are revoked.
#[utoipa::path(
    post, path = "/api/v1/apps/{app}/keys", tag = "operators", operation_id = "addAppKey",
    params(OfApp),
    responses(
        (status = 201, description = "It has one more.", body = AppSecretAnswer),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
        (status = 409, description = "It is one of the configuration, or would have too many keys."),
    ),
)]
pub(super) async fn add_key(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
) -> Result<HttpResponse, Refused> {
    let id = of.id()?;
    let _alone = edge.apps.changing.lock().await;
    changeable(&edge, &id)?;
    let key = new_key(edge.chat.clock().now());
    let key = edge.chat.add_app_key(&id, key).await?;
    events::AppKeyAdded { app: id.as_str() }.emit();
    put_in_force(&edge).await;
    Ok(HttpResponse::Created().json(AppSecretAnswer::from(key)))
}

/// Takes a key from an application. Connections that came with it are closed, and nothing that is
/// signed with it is good any more.
#[utoipa::path(
    delete, path = "/api/v1/apps/{app}/keys/{key}", tag = "operators", operation_id = "revokeAppKey",
    params(OfApp, NamedKey),
    responses(
        (status = 204, description = "It is good no longer."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application, or no such key of it."),
        (status = 409, description = "It is one of the configuration, or its only key."),
    ),
)]
pub(super) async fn revoke_key(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
    named: Path<NamedKey>,
) -> Result<HttpResponse, Refused> {
    let (id, key) = (of.id()?, &named.key);
    // A key has the shape of an id.
    parse_app_id(key)?;
    let _alone = edge.apps.changing.lock().await;
    changeable(&edge, &id)?;
    edge.chat.revoke_app_key(&id, key).await?;
    events::AppKeyRevoked { app: id.as_str() }.emit();
    put_in_force(&edge).await;
    Ok(HttpResponse::NoContent().finish())
}

fn shown(edge: &Edge, app: &apps::App) -> App {
    App::of(app, edge.chat.directory().connections_of(&app.id))
}

/// The same for one of the store.
fn stored(edge: &Edge, app: &Application, settings: AppSettings) -> App {
    App::stored(app, settings, edge.chat.directory().connections_of(&app.id))
}

/// What is done is done, and is answered, a secret above all: where the store cannot be read just
/// then, that is counted, and the next look takes it in.
async fn put_in_force(edge: &Edge) {
    let _counted = edge.apps.look(&edge.chat).await;
}

/// Refuses to change one that is not there, or that the configuration says.
fn changeable(edge: &Edge, id: &AppId) -> Result<(), Refused> {
    match edge.apps.by_id(id.as_str()).map(|app| app.source) {
        Some(Source::Configuration) => {
            Err(Refused::conflict("this application is set in the configuration: change it there"))
        }
        // Another node may have made it just now.
        Some(Source::Api) | None => Ok(()),
    }
}

/// What an application of the store is set to.
fn understood(stored: &Application) -> Result<AppSettings, Refused> {
    serde_json::from_str(&stored.settings)
        .map_err(|_| Refused::conflict("a newer server wrote its settings: change it there"))
}

/// The settings of an application of the store, with this change, as they are kept.
fn changed(
    edge: &Edge,
    stored: &Application,
    change: Map<String, Value>,
) -> Result<String, Refused> {
    let settings = merged(&understood(stored)?, change)?.to_text();
    check(edge, &Application { settings: settings.clone(), ..stored.clone() })?;
    Ok(settings)
}

/// Settings with this change, not checked yet.
fn merged(before: &AppSettings, change: Map<String, Value>) -> Result<AppSettings, Refused> {
    let Ok(Value::Object(mut whole)) = serde_json::to_value(before) else {
        unreachable!("settings are an object")
    };
    for (name, value) in change {
        match (whole.get_mut(&name), value) {
            (Some(Value::Object(within)), Value::Object(change)) => within.extend(change),
            (_, value) => {
                whole.insert(name, value);
            }
        }
    }
    serde_json::from_value(Value::Object(whole))
        .map_err(|error| Refused::bad_request(format!("the settings are not understood: {error}")))
}

/// Refuses an application that the configuration would refuse.
fn check(edge: &Edge, app: &Application) -> Result<(), Refused> {
    let settings: AppSettings =
        serde_json::from_str(&app.settings).map_err(|_| Refused::internal())?;
    let has_webhooks = !settings.webhooks.is_empty();
    let settings = settings.of(&app.id, app.enabled, &app.keys);
    let refuse = |error: config::ConfigError| Refused::bad_request(error.to_string());
    config::apps::check_one(&settings, "").map_err(refuse)?;
    config::webhooks::check_app(&edge.settings.webhooks_allowed, &settings, "webhooks")
        .map_err(refuse)?;
    if has_webhooks && edge.chat.ports().webhooks.is_none() {
        return Err(Refused::bad_request("this server cannot tell webhooks"));
    }
    Ok(())
}
