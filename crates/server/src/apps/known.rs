//! All applications: those of the configuration, and those that the store has now.

use super::{App, AppSettings, Key, Leases, Source};
use crate::{
    config::{
        self,
        webhooks::{event, room_kind},
    },
    logs::events,
};
use campanile_core::{
    application::{Application, Applications, SenselessApp},
    chat::Chat,
    labels::WebhookEvent,
    metrics::App as AppLabel,
    port::Fault,
    room::RoomKind,
    webhook::{Hook, HookId, Hooks},
};
use campanile_metrics::{ConfiguredLabel, Registry, WeakRegistry};
use campanile_pusher::CloseCode;
use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Mutex;

/// How often the store is asked whether there are others, beside being told so: what a node was told
/// may have been lost.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// All applications, by what they are asked for with.
pub struct Apps {
    configured: Vec<Arc<App>>,
    /// Where each is counted by itself. The registry itself asks this for its numbers.
    registry: WeakRegistry,
    batch_max: usize,
    hooks: Arc<Hooks>,
    known: RwLock<Arc<Known>>,
    /// How often they have changed.
    version: AtomicU64,
    /// One looks into the store at a time: what was read later is taken in later. With what was
    /// read last.
    looking: Mutex<Applications>,
    /// One operator changes something at a time.
    pub(crate) changing: Mutex<()>,
}

/// The applications at one time.
#[derive(Debug, Default)]
struct Known {
    all: Vec<Arc<App>>,
    by_id: HashMap<String, Arc<App>>,
    by_key: HashMap<String, Arc<App>>,
}

impl Apps {
    /// Those of the settings, which were checked, and those of the store. Each is counted by itself
    /// as long as there is room among the registry's values of [`AppLabel`].
    pub fn new(
        settings: &[config::App],
        stored: Applications,
        (registry, batch_max): (&Registry, usize),
    ) -> Self {
        let configured: Vec<_> = settings
            .iter()
            .map(|settings| {
                let id = settings.id.as_deref().unwrap_or_default();
                Arc::new(App::new(settings, registry.add_label(id)))
            })
            .collect();
        let apps = Self {
            configured,
            registry: registry.downgrade(),
            batch_max,
            hooks: Arc::default(),
            known: RwLock::default(),
            version: AtomicU64::new(0),
            looking: Mutex::default(),
            changing: Mutex::new(()),
        };
        apps.take_in(&stored, &Applications::default());
        *apps.looking.try_lock().expect("nobody else has it yet") = stored;
        apps
    }

    /// The one of this identity.
    pub fn by_id(&self, id: &str) -> Option<Arc<App>> {
        self.known().by_id.get(id).cloned()
    }

    /// The one that this key belongs to.
    pub fn by_key(&self, key: &str) -> Option<Arc<App>> {
        self.known().by_key.get(key).cloned()
    }

    /// All of them: those of the settings in their order, then those of the store by id.
    pub fn all(&self) -> Vec<Arc<App>> {
        self.known().all.clone()
    }

    /// Their webhooks.
    pub fn hooks(&self) -> &Arc<Hooks> {
        &self.hooks
    }

    /// How often they have changed: whoever holds on to one looks again when this has grown.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks into the store, and closes the connections that may not stay.
    pub(crate) async fn look(&self, chat: &Chat) -> Result<(), Fault> {
        let mut last = self.looking.lock().await;
        let stored = chat.applications().await?;
        if stored != *last {
            self.take_in(&stored, &last);
            *last = stored;
        }
        Ok(())
    }

    /// Looks into the store whenever there may be something new; for the server to spawn.
    pub(crate) async fn keep(&self, chat: &Chat) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = chat.applications_changed() => {}
            }
            // A store that fails is counted where it is called; the next tick tries again.
            let _counted = self.look(chat).await;
        }
    }

    fn known(&self) -> Arc<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves what the store has now. What was the same `last` time is not told again in the log.
    pub(super) fn take_in(&self, stored: &Applications, last: &Applications) {
        for senseless in stored.senseless.iter().filter(|one| !last.senseless.contains(one)) {
            let SenselessApp { id, why } = senseless;
            events::AppUnreadable { app: id, error: why }.emit();
        }
        let before = self.known();
        let mut now = Known::default();
        for app in &self.configured {
            now.add(app.clone());
        }
        for app in &stored.all {
            let is_news = !last.all.contains(app);
            let before = before.by_id.get(app.id.as_str());
            let (settings, trouble) = settings_of(app, before);
            if let Some(error) = trouble.filter(|_| is_news) {
                events::AppUnreadable { app: app.id.as_str(), error: &*error }.emit();
            }
            let Some(settings) = settings else { continue };
            let made = of_store(&settings, app, before);
            if !now.has(&made) {
                now.add(Arc::new(self.counted(made)));
            } else if is_news {
                events::AppHidden { app: app.id.as_str() }.emit();
            }
        }
        let now = Arc::new(now);
        let shared = now.all.iter().filter(|app| app.source == Source::Api);
        let hooks = now.all.iter().flat_map(|app| self.hooks_of(app));
        self.hooks.replace(hooks, shared.map(|app| app.id.clone()));
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = now.clone();
        self.version.fetch_add(1, Ordering::Release);
        for app in &before.all {
            end_leases(app, now.by_id.get(app.id.as_str()));
        }
    }

    /// The same, counted by itself while there is room. It keeps its place when it is gone.
    fn counted(&self, app: App) -> App {
        App { label: self.registry.add_label(app.id.as_str()), ..app }
    }

    fn hooks_of(&self, app: &App) -> Vec<Hook> {
        let hook = |webhook: &config::AppWebhook| {
            let events: Vec<WebhookEvent> =
                webhook.events.iter().filter_map(|name| event(name)).collect();
            let rooms: Vec<RoomKind> =
                webhook.rooms.iter().filter_map(|name| room_kind(name)).collect();
            let url = webhook.url.as_deref().unwrap_or_default();
            Hook {
                id: HookId { app: app.id.clone(), url: url.into() },
                events: if events.is_empty() { of_channels() } else { events },
                rooms: match rooms {
                    // What happens in its channels ends with its connections; rooms go on.
                    _ if !app.enabled => Vec::new(),
                    rooms if rooms.is_empty() => vec![RoomKind::Public],
                    rooms => rooms,
                },
                direct_bodies: webhook.direct_bodies,
                linger: app.limits.webhook_linger,
                retry_time: app.limits.webhook_retry_time,
                batch_max: self.batch_max,
                since: app.made_at,
            }
        };
        app.settings.webhooks.iter().map(hook).collect()
    }
}

/// What an application of the store is set to now, after it was something `before`, and what is wrong
/// with it. Where a newer server has set it in a way that is not understood here, it stays set as it
/// was.
fn settings_of(
    app: &Application,
    before: Option<&Arc<App>>,
) -> (Option<config::App>, Option<Box<dyn Error>>) {
    match checked(app, serde_json::from_str(&app.settings)) {
        Ok(settings) => (Some(settings), None),
        Err(error) => {
            let before = before.and_then(|before| checked(app, Ok(before.settings.clone())).ok());
            (before, Some(error))
        }
    }
}

/// An application of the store that is set so, and was something `before`.
fn of_store(settings: &config::App, app: &Application, before: Option<&Arc<App>>) -> App {
    let made = App::new(settings, AppLabel::at(0));
    let key = |key: &campanile_core::application::AppKey| Key {
        key: key.key.clone(),
        made_at: Some(key.made_at),
    };
    // Whoever came before it was disabled was sent away then.
    let stays = before.filter(|before| before.enabled && app.enabled);
    let leases: Leases = made
        .leases
        .into_iter()
        .map(|(key, new)| {
            let old = stays.and_then(|before| before.leases.get(&key));
            let lease = old.cloned().unwrap_or(new);
            (key, lease)
        })
        .collect();
    App {
        name: app.name.to_string(),
        source: Source::Api,
        made_at: Some(app.made_at),
        known_keys: app.keys.iter().map(key).collect(),
        leases,
        ..made
    }
}

/// The settings of an application of the store, if they can be served: whoever wrote the store may
/// have had other bounds.
pub(super) fn checked(
    app: &Application,
    settings: Result<AppSettings, serde_json::Error>,
) -> Result<config::App, Box<dyn Error>> {
    let settings = settings?.of(&app.id, app.enabled, &app.keys);
    config::apps::check_one(&settings, "")?;
    Ok(settings)
}

/// What happens in channels. Of rooms, only who asks for it is told.
fn of_channels() -> Vec<WebhookEvent> {
    let all = WebhookEvent::ALL.iter().copied();
    all.filter(|event| *event != WebhookEvent::Message).collect()
}

/// Sends those away who may not stay with an application that is something else `now`.
fn end_leases(app: &App, now: Option<&Arc<App>>) {
    for (key, lease) in &app.leases {
        match now {
            None => lease.end(CloseCode::NoSuchApp),
            Some(now) if !now.leases.contains_key(key) => lease.end(CloseCode::NoSuchApp),
            Some(now) if !now.enabled => lease.end(CloseCode::AppDisabled),
            Some(_) => {}
        }
    }
}

impl Known {
    fn add(&mut self, app: Arc<App>) {
        self.by_id.insert(app.id.to_string(), app.clone());
        let keys = app.known_keys.iter().map(|key| (key.key.clone(), app.clone()));
        self.by_key.extend(keys);
        self.all.push(app);
    }

    /// Whether one is known that has its id, or a key of it.
    fn has(&self, app: &App) -> bool {
        let mut keys = app.known_keys.iter();
        self.by_id.contains_key(app.id.as_str())
            || keys.any(|key| self.by_key.contains_key(&key.key))
    }
}
