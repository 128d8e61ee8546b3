//! Connecting, measured.
//!
//! What a session would be told once is told in a way that works with and without a pooler: as
//! start-up options where the connection is the database's own, and at the start of each
//! transaction where it is lent.

use crate::{
    Config, fault,
    metrics::{ConnectResult, Measured},
};
use campanile_core::port::FaultKind;
use sqlx::{
    ConnectOptions, Connection, Error, PgConnection, postgres::PgConnectOptions, query_scalar,
};
use std::{io, str::FromStr, time::Duration};

/// How long a transaction of a node that fell silent may hold what it has locked.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// That something was there already is no news.
const QUIET: &str = "warning";

/// How the URL of a database starts.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// A setting of ours that comes back only over a connection that is the database's own.
const MARK: &str = "campanile.direct";

/// Connects.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    options: PgConnectOptions,
    timeout: Duration,
    /// What starts a transaction.
    pub(crate) begin: String,
    /// What makes it last.
    pub(crate) commit: &'static str,
    /// What undoes it.
    pub(crate) rollback: &'static str,
    /// Whether each statement needs a transaction, as it may otherwise be cut in two.
    pub(crate) lent: bool,
    measured: Measured,
}

impl Connector {
    /// Connects to the database itself.
    pub(crate) fn direct(config: &Config, measured: Measured) -> Result<Self, Error> {
        let millis = |duration: Duration| duration.as_millis().to_string();
        let options = base(config)?.options([
            (MARK, "on".to_owned()),
            ("statement_timeout", millis(config.statement_timeout)),
            ("idle_in_transaction_session_timeout", millis(IDLE_IN_TRANSACTION)),
            ("client_min_messages", QUIET.to_owned()),
            // Tables grow from nothing within minutes, and a plan made for an empty one would
            // read all of it for ever.
            ("plan_cache_mode", "force_custom_plan".to_owned()),
        ]);
        let timeout = config.connect_timeout;
        Ok(Self {
            options,
            timeout,
            begin: "BEGIN".into(),
            commit: "COMMIT",
            rollback: "ROLLBACK",
            lent: false,
            measured,
        })
    }

    /// Connects to a pooler, which knows neither options nor prepared statements.
    pub(crate) fn pooled(config: &Config, measured: Measured) -> Result<Self, Error> {
        let begin = format!(
            "BEGIN; SET LOCAL statement_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {}; \
             SET LOCAL client_min_messages = {QUIET}",
            config.statement_timeout.as_millis(),
            IDLE_IN_TRANSACTION.as_millis(),
        );
        // The driver gives statements names, and whoever is lent the connection next gives the same.
        let (commit, rollback) = ("DEALLOCATE ALL; COMMIT", "ROLLBACK; DEALLOCATE ALL");
        let options = base(config)?.statement_cache_capacity(0);
        Ok(Self {
            options,
            timeout: config.connect_timeout,
            begin,
            commit,
            rollback,
            lent: true,
            measured,
        })
    }

    /// Connects, and counts how it ended.
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        let connecting = PgConnection::connect_with(&self.options);
        let connected = tokio::time::timeout(self.timeout, connecting).await.unwrap_or_else(|_| {
            let late = io::Error::new(io::ErrorKind::TimedOut, "connecting takes too long");
            Err(Error::Io(late))
        });
        let result = match &connected {
            Ok(_) => ConnectResult::Ok,
            Err(error) if fault::kind(error) == FaultKind::Timeout => ConnectResult::Timeout,
            Err(error) if is_refusal(error) => ConnectResult::Refused,
            Err(_) => ConnectResult::Error,
        };
        self.measured.own.connects.increment(self.measured.driver, result);
        if let Err(error) = &connected {
            if let Some(class) = fault::class(error) {
                self.measured.own.sqlstate_errors.increment(self.measured.driver, class);
            }
            self.measured.set_up(false);
        }
        connected
    }

    /// Where it connects to, without the password.
    pub(crate) fn place(&self) -> String {
        place(&self.options)
    }
}

/// Whether a pooler does not know an option that the database would.
pub(crate) fn is_pooler(error: &Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("startup parameter"))
}

/// Whether the connection is the database's own.
pub(crate) async fn is_direct(connection: &mut PgConnection) -> Result<bool, Error> {
    // Over a pooler a statement may only come back whole within a transaction.
    let mut transaction = connection.begin().await?;
    let mark: Option<String> = query_scalar("SELECT current_setting('campanile.direct', true)")
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(mark.as_deref() == Some("on"))
}

/// Whether the database does not let this user in.
pub(crate) fn is_refusal(error: &Error) -> bool {
    // No such database, and no right to connect to it, among them.
    fault::sqlstate(error).is_some_and(|state| {
        state.starts_with("28")
            || state == "3D000"
            || state == "42501"
            || state == "08P01" && is_refusal_of_pooler(error)
    })
}

/// Whether a pooler does not let this user in: it has one state for all that it does not like.
fn is_refusal_of_pooler(error: &Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        let says = |what| error.message().contains(what);
        says("authentication failed") || says("no such user") || says("no such database")
    })
}

/// Where the options lead.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{}/{database}", socket.display()),
        None => format!("{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

fn base(config: &Config) -> Result<PgConnectOptions, Error> {
    // The driver takes the URL of anything.
    if !SCHEMES.iter().any(|scheme| config.url.starts_with(scheme)) {
        return Err(Error::Configuration("it does not start with postgres://".into()));
    }
    let mut options = PgConnectOptions::from_str(&config.url)?;
    if let Some(password) = &config.password {
        options = options.password(password);
    }
    Ok(options.application_name(&config.application_name).disable_statement_logging())
}
