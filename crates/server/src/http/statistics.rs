//! What operators see: the numbers of monitoring, and what stands behind them.

use super::{asked::Watcher, edge::Edge, numbers, shapes::Stats};
use crate::{limits::LISTED_MAX, logs::events, reply::Refused, ws::stamp};
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use campanile_core::port::BusError;
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The busiest rooms, over all nodes.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BusyRooms {
    rooms: Vec<BusyRoom>,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BusyRoom {
    room: String,
    kind: super::shapes::RoomKind,
    /// Connections that listen to it.
    participants: usize,
    /// Messages since a node first opened it.
    messages_total: u64,
}

/// Connections, node by node, each node's oldest first.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenConnections {
    connections: Vec<OpenConnection>,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenConnection {
    /// The node that has it.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    node: String,
    #[schema(pattern = "^[0-9a-f]{16}$")]
    connection: String,
    user: String,
    transport: &'static str,
    address: String,
    #[schema(value_type = String, format = DateTime)]
    since: Stamp,
    /// How many rooms it listens to.
    rooms: usize,
    /// Bytes that wait for it.
    outbox_bytes: usize,
}

/// The nodes: those that are alive, and those that went within the last hour without a word.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nodes {
    nodes: Vec<KnownNode>,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KnownNode {
    #[schema(pattern = "^[0-9a-f]{16}$")]
    node: String,
    name: String,
    /// Whether it is heard of.
    alive: bool,
    version: String,
    #[schema(value_type = String, format = DateTime)]
    since: Stamp,
    /// How many connections it has; left out where it does not say so in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    connections: Option<u64>,
    /// How many users have one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    users: Option<u64>,
    /// Whether it is the node that answers.
    #[serde(rename = "self")]
    is_self: bool,
}

/// How many rooms.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Top {
    /// How many.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    top: Option<u64>,
}

/// How many connections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Limit {
    /// How many.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    limit: Option<u64>,
}

/// The numbers of this node, as monitoring sees them.
#[utoipa::path(
    get, path = "/api/v1/stats", tag = "operators", operation_id = "stats",
    responses(
        (status = 200, description = "The numbers.", body = Stats),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn stats(edge: Data<Edge>, _watcher: Watcher) -> HttpResponse {
    let reading = edge.readings.now().await;
    HttpResponse::Ok().json(Stats::read(&edge, &reading))
}

/// The rooms with the most messages.
#[utoipa::path(
    get, path = "/api/v1/stats/rooms", tag = "operators", operation_id = "busyRooms",
    params(Top),
    responses(
        (status = 200, description = "Rooms, busiest first.", body = BusyRooms),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn rooms(
    edge: Data<Edge>,
    _watcher: Watcher,
    query: Query<Top>,
) -> Result<HttpResponse, Refused> {
    let top = listed("top", query.top, 20)?;
    let survey = edge.chat.survey(0, top).await.merged(0, top);
    let rooms = survey.rooms.iter().map(|seen| BusyRoom {
        room: seen.room.to_string(),
        kind: seen.kind.into(),
        participants: seen.participants,
        messages_total: seen.messages,
    });
    Ok(HttpResponse::Ok().json(BusyRooms { rooms: rooms.collect() }))
}

/// Who is connected.
#[utoipa::path(
    get, path = "/api/v1/stats/connections", tag = "operators", operation_id = "openConnections",
    params(Limit),
    responses(
        (status = 200, description = "Connections, oldest first.", body = OpenConnections),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn connections(
    edge: Data<Edge>,
    _watcher: Watcher,
    query: Query<Limit>,
) -> Result<HttpResponse, Refused> {
    let limit = listed("limit", query.limit, 100)?;
    let survey = edge.chat.survey(limit, 0).await;
    let connections = survey.nodes.iter().flat_map(|(node, survey)| {
        let of_node = move |seen| (node, seen);
        survey.connections.iter().map(of_node)
    });
    let connections = connections.map(|(node, seen)| OpenConnection {
        node: node.to_string(),
        connection: format!("{:016x}", seen.connection.0),
        user: seen.user.to_string(),
        transport: seen.transport.values()[0],
        address: seen.address.to_string(),
        since: stamp(seen.since),
        rooms: seen.rooms,
        outbox_bytes: seen.outbox_bytes,
    });
    Ok(HttpResponse::Ok().json(OpenConnections { connections: connections.collect() }))
}

/// The nodes.
#[utoipa::path(
    get, path = "/api/v1/nodes", tag = "operators", operation_id = "nodes",
    responses(
        (status = 200, description = "The nodes.", body = Nodes),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn nodes(edge: Data<Edge>, _watcher: Watcher) -> Result<HttpResponse, Refused> {
    let nodes = edge.chat.ports().bus.nodes().await?;
    let survey = edge.chat.survey(0, 0).await;
    let nodes = nodes.into_iter().map(|node| {
        let seen = survey.nodes.iter().find(|(id, _)| *id == node.id);
        KnownNode {
            node: node.id.to_string(),
            name: node.name,
            alive: node.alive,
            version: node.version,
            since: stamp(node.since),
            connections: seen.map(|(_, survey)| survey.connections_open),
            users: seen.map(|(_, survey)| survey.users),
            is_self: node.id == edge.node.id,
        }
    });
    Ok(HttpResponse::Ok().json(Nodes { nodes: nodes.collect() }))
}

impl From<BusError> for Refused {
    fn from(error: BusError) -> Self {
        events::BusFailed { reason: (&error).into(), error: Arc::new(error) }.emit();
        Self::unavailable("the other nodes cannot be asked now")
    }
}

fn listed(name: &str, asked: Option<u64>, usual: u64) -> Result<usize, Refused> {
    numbers::up_to(LISTED_MAX, name, asked.unwrap_or(usual))
}
