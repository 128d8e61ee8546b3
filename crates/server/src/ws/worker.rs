//! What the connections of one worker thread share.

use super::{
    closing::closing_code, config::Config, lobby::Lobby, meter::CountedApp, opening::Opening,
    traffic::Traffic,
};
use crate::{apps::Apps, http::Proxies, metrics::ConnectionMetrics, reply::Refused, token};
use campanile_core::{
    chat::{AuthenticateError, Chat},
    connection::{Connection, Greeting, Shard},
    fanout::Outbox,
    labels::Transport,
    port::ConnectionId,
    time::Moment,
    user::TokenHash,
};
use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A worker thread's side of the chat, given to its handlers as application data.
pub struct Worker {
    /// The chat.
    pub chat: Arc<Chat>,
    /// The applications.
    pub apps: Arc<Apps>,
    /// This worker's part of it.
    pub shard: Shard,
    /// The number of the native protocol's encoder in the shard.
    pub protocol: usize,
    /// The number of the encoder for streams of events.
    pub event_stream: usize,
    /// The number of the encoder for what happens in channels.
    pub channels: usize,
    /// What is counted about connections.
    pub metrics: Arc<ConnectionMetrics>,
    /// Where the bytes of this worker's connections are counted.
    pub traffic: Traffic,
    /// The node's count of connections.
    pub lobby: Arc<Lobby>,
    /// How connections are taken and kept.
    pub config: Config,
    /// Who is believed about clients' addresses.
    pub proxies: Proxies,
}

/// Who wants to be connected.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) connection: ConnectionId,
    pub(crate) transport: Transport,
    pub(crate) address: IpAddr,
    /// When it asked.
    pub(crate) arrived: Moment,
}

/// Somebody who is connected.
pub(crate) struct Recognised {
    pub(crate) connection: Connection,
    pub(crate) token: TokenHash,
    /// When its session expires.
    pub(crate) until: Instant,
}

impl Worker {
    /// Takes a client for whom the token says it is.
    pub(crate) async fn recognise(
        &self,
        token: &str,
        caller: &Caller,
        outbox: Rc<Outbox>,
    ) -> Result<Recognised, Refused> {
        let chat = &self.chat;
        let session = token::authenticate(chat, token::hash(token)).await?;
        let greeting = Greeting {
            connection: caller.connection,
            user: session.user,
            token: session.token,
            protocol: match caller.transport {
                Transport::Sse => self.event_stream,
                Transport::WebSocket | Transport::LongPoll => self.protocol,
            },
            transport: caller.transport,
            address: caller.address,
        };
        let connection = self.shard.connect(greeting, outbox).await?;
        // A log-out between asking for the session and being among the connections that hear of
        // it would be missed.
        let now = chat.clock().now();
        let still = chat.ports().sessions.find(session.token, now).await?;
        if still.is_none() {
            return Err(AuthenticateError::Refused.into());
        }
        let left = u64::try_from(session.expires_at.0 - now.0).unwrap_or(0);
        let until = Instant::now() + Duration::from_millis(left);
        let took = chat.clock().moment().since(caller.arrived);
        self.metrics.handshake_duration.observe(took, caller.transport);
        Ok(Recognised { connection, token: session.token, until })
    }

    pub(crate) fn opening(&self) -> Opening {
        Opening {
            outbox: self.shard.outbox(Transport::WebSocket),
            // One more answer, at most half of the outbox, still fits beside it.
            unread_bytes_max: (self.chat.limits().outbox_bytes_max / 4).max(1),
            lobby: self.lobby.clone(),
            frames: self.config.frames,
            patience: self.config.patience,
            metrics: self.metrics.clone(),
            traffic: self.traffic.clone(),
            app: CountedApp::native(self.chat.metrics().native),
            closing_code,
            goodbye: None,
            clock: self.chat.ports().clock.clone(),
        }
    }
}
