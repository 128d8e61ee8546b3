//! The codec port: frames to bytes and back, for either end of the line.

use crate::{RequestFrame, RequestId, ServerFrame};
use bytes::BytesMut;

/// Writes and reads the frames of one version and notation of the protocol.
///
/// Decoding is total: any bytes give a frame or an error, in time and memory proportional to their
/// number. What one end encodes, the other decodes to an equal value.
pub trait Codec {
    /// The token of the WebSocket handshake.
    fn subprotocol(&self) -> &'static str;

    /// Server: reads a request. Strict: what is not understood in full is refused.
    fn decode_request(&self, frame: &[u8]) -> Result<RequestFrame, BadRequest>;

    /// Server: writes a frame behind what is in `into`.
    fn encode(&self, frame: &ServerFrame, into: &mut BytesMut);

    /// Client: writes a request behind what is in `into`.
    fn encode_request(&self, frame: &RequestFrame, into: &mut BytesMut);

    /// Client: reads what a server said. Lenient: fields that are not known are passed over, so
    /// a newer server may say more.
    fn decode(&self, frame: &[u8]) -> Result<ServerFrame, BadFrame>;
}

/// Why bytes are no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// The request's id, where it could be read.
    pub id: Option<RequestId>,
    /// What is wrong, for the person who writes the client.
    pub message: String,
}

/// Why bytes are no frame of a server.
#[derive(Debug, thiserror::Error)]
#[error("not a frame of the server: {0}")]
pub struct BadFrame(#[source] pub Box<dyn std::error::Error + Send + Sync>);
