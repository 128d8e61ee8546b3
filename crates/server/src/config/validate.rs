//! What is wrong with settings that are each well formed.

use super::{Config, ConfigError, Secret, apps, webhooks};
use crate::wiring::loki;
use campanile_adapter_webpush::VapidKey;
use campanile_metrics::StatisticsInterval;
use tracing_subscriber::EnvFilter;

/// Shortest secret that a machine could not guess soon.
const SECRET_CHARACTERS_MIN: usize = 16;

impl Config {
    /// Says what is wrong, if anything.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_server()?;
        self.check_neighbours()?;
        self.check_push()?;
        self.check_metrics()?;
        self.check_limits()?;
        apps::check(&self.apps)?;
        webhooks::check(&self.webhooks, &self.apps)?;
        if EnvFilter::try_new(&self.log.level).is_err() {
            return Err(wrong(
                "log.level",
                &self.log.level,
                "is no level and no list of directives",
            ));
        }
        check_strength("log.users_key", self.log.users_key.as_ref())?;
        self.check_loki()
    }

    fn check_server(&self) -> Result<(), ConfigError> {
        let server = &self.server;
        if server.token_lifetime_days == 0 {
            return Err(wrong("server.token_lifetime_days", "0", "leaves nobody logged in"));
        }
        if server.tls.cert.is_some() != server.tls.key.is_some() {
            return Err(alone("server.tls.cert", "server.tls.key"));
        }
        let seconds = [
            ("server.drain_seconds", server.drain_seconds, Zero::Fine),
            ("server.request_timeout_seconds", server.request_timeout_seconds, Zero::TooShort),
            ("server.keep_alive_seconds", server.keep_alive_seconds, Zero::TooShort),
            (
                "websocket.authentication_seconds",
                self.websocket.authentication_seconds,
                Zero::TooShort,
            ),
            (
                "websocket.ping_interval_seconds",
                self.websocket.ping_interval_seconds,
                Zero::TooShort,
            ),
            ("websocket.ping_timeout_seconds", self.websocket.ping_timeout_seconds, Zero::TooShort),
            ("websocket.idle_seconds", self.websocket.idle_seconds, Zero::TooShort),
            ("websocket.closing_seconds", self.websocket.closing_seconds, Zero::TooShort),
        ];
        check_seconds(&seconds)
    }

    fn check_neighbours(&self) -> Result<(), ConfigError> {
        let (store, bus) = (&self.store, &self.bus);
        if store.connections_max == 0 {
            return Err(wrong("store.connections_max", "0", "would stop everything"));
        }
        if bus.prefix.is_empty() || !bus.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            let why = "is no prefix: one or more visible characters of ASCII";
            return Err(wrong("bus.prefix", &format!("{:?}", bus.prefix), why));
        }
        if bus.sentinel_user.is_some() && bus.sentinel_password.is_none() {
            return Err(alone("bus.sentinel_user", "bus.sentinel_password"));
        }
        check_seconds(&[
            ("store.wait_seconds", store.wait_seconds, Zero::TooShort),
            ("store.statement_seconds", store.statement_seconds, Zero::TooShort),
            ("store.slow_seconds", store.slow_seconds, Zero::TooShort),
            ("bus.cache_seconds", bus.cache_seconds, Zero::Fine),
        ])
    }

    fn check_push(&self) -> Result<(), ConfigError> {
        let push = &self.push;
        if let Some(Err(error)) = push.vapid_key.as_ref().map(|key| VapidKey::parse(key.reveal())) {
            let (key, why) = ("push.vapid_key".to_owned(), format!("is none: {error}"));
            return Err(ConfigError::Weak { key, why });
        }
        let is_reached =
            |contact: &str| contact.starts_with("mailto:") || contact.starts_with("https:");
        if let Some(contact) = push.contact.as_deref().filter(|contact| !is_reached(contact)) {
            return Err(wrong(
                "push.contact",
                contact,
                "begins neither with mailto: nor with https:",
            ));
        }
        if push.ttl_seconds > PUSH_TTL_SECONDS_MAX {
            let why = "is more than four weeks, 2419200";
            return Err(wrong("push.ttl_seconds", &push.ttl_seconds.to_string(), why));
        }
        Ok(())
    }

    fn check_loki(&self) -> Result<(), ConfigError> {
        let shipping = &self.log.loki;
        if shipping.user.is_some() != shipping.password.is_some() {
            return Err(alone("log.loki.user", "log.loki.password"));
        }
        if shipping.user.is_some() && shipping.bearer_token.is_some() {
            let why = "goes not with log.loki.user: leave one out".to_owned();
            return Err(ConfigError::Weak { key: "log.loki.bearer_token".to_owned(), why });
        }
        if shipping.buffer_bytes < loki::BUFFER_BYTES_MIN {
            let why = format!("is less than {}", loki::BUFFER_BYTES_MIN);
            return Err(wrong("log.loki.buffer_bytes", &shipping.buffer_bytes.to_string(), &why));
        }
        check_seconds(&[("log.loki.flush_deadline", shipping.flush_deadline, Zero::Fine)])?;
        loki::check(self)
    }

    fn check_metrics(&self) -> Result<(), ConfigError> {
        let metrics = &self.metrics;
        let interval = &metrics.statistics_interval;
        if interval.parse::<StatisticsInterval>().is_err() {
            let why = "is neither \"manual\" nor a number of seconds from 1";
            return Err(wrong("metrics.statistics_interval", interval, why));
        }
        check_strength("metrics.bearer_token", metrics.bearer_token.as_ref())?;
        check_strength("metrics.basic_auth.password", metrics.basic_auth.password.as_ref())?;
        if metrics.basic_auth.user.is_some() != metrics.basic_auth.password.is_some() {
            return Err(alone("metrics.basic_auth.user", "metrics.basic_auth.password"));
        }
        if metrics.tls.cert.is_some() != metrics.tls.key.is_some() {
            return Err(alone("metrics.tls.cert", "metrics.tls.key"));
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        check_seconds(&[
            ("limits.idempotency_window_seconds", limits.idempotency_window_seconds, Zero::Fine),
            ("limits.outbox_age_max_seconds", limits.outbox_age_max_seconds, Zero::TooShort),
            ("limits.gap_patience_seconds", limits.gap_patience_seconds, Zero::Fine),
            ("limits.rate_wait_max_seconds", limits.rate_wait_max_seconds, Zero::Fine),
        ])?;
        for (name, rate) in limits.named_rates() {
            let sane = rate.per_second.is_finite() && rate.per_second >= 0.001 && rate.burst >= 1;
            if !sane {
                let value = format!("{} per second, {} at once", rate.per_second, rate.burst);
                let why = "has to be at least 0.001 per second and 1 at once";
                return Err(wrong(&format!("limits.{name}"), &value, why));
            }
        }
        let retention = limits.room_retention_seconds_max;
        if retention > ROOM_RETENTION_SECONDS_MAX {
            let why = "is more than a hundred years, 3155760000";
            return Err(wrong("limits.room_retention_seconds_max", &retention.to_string(), why));
        }
        let bounds = [
            ("message_bytes_max", limits.message_bytes_max),
            ("history_page_max", limits.history_page_max),
            ("shard_queue_events_max", limits.shard_queue_events_max),
            ("outbox_bytes_max", limits.outbox_bytes_max),
            ("connections_per_user_max", limits.connections_per_user_max),
        ];
        match bounds.iter().find(|(_, bound)| *bound == 0) {
            Some((name, _)) => Err(wrong(&format!("limits.{name}"), "0", "would stop everything")),
            None => Ok(()),
        }
    }
}

/// Whether no time at all is a sensible time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    Fine,
    TooShort,
}

/// Four weeks: longer than any push service keeps anything.
const PUSH_TTL_SECONDS_MAX: u64 = 28 * 86_400;

/// A hundred years: further back than any message, and far from what a database can hold.
const ROOM_RETENTION_SECONDS_MAX: u64 = 36_525 * 86_400;

/// A year: longer than anything here is meant to take, and far from what a duration can hold.
const SECONDS_MAX: f64 = 366.0 * 86_400.0;

pub(super) fn check_seconds(settings: &[(&str, f64, Zero)]) -> Result<(), ConfigError> {
    for (key, seconds, zero) in settings {
        let long_enough = *seconds > 0.0 || (*seconds == 0.0 && *zero == Zero::Fine);
        if !long_enough || *seconds > SECONDS_MAX {
            return Err(wrong(key, &seconds.to_string(), "is no sensible number of seconds"));
        }
    }
    Ok(())
}

fn check_strength(key: &str, secret: Option<&Secret>) -> Result<(), ConfigError> {
    match secret {
        Some(secret) if secret.reveal().chars().count() < SECRET_CHARACTERS_MIN => {
            let why = format!("has fewer than {SECRET_CHARACTERS_MIN} characters");
            Err(ConfigError::Weak { key: key.to_owned(), why })
        }
        _ => Ok(()),
    }
}

pub(super) fn wrong(key: &str, value: &str, why: &str) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), value: value.to_owned(), why: why.to_owned() }
}

fn alone(one: &str, other: &str) -> ConfigError {
    ConfigError::Alone { one: one.to_owned(), other: other.to_owned() }
}
