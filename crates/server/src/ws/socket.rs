//! The network socket under a connection.

use actix_web::{dev::Extensions, rt::net::TcpStream};
use std::{any::Any, time::Duration};

/// How long a peer may leave what it was sent unread, or unacknowledged, before the operating
/// system ends its connection. Longer than an outbox may age, so that whoever can still be told
/// why is told.
const UNREAD_MAX: Duration = Duration::from_secs(15);

/// Prepares a socket that was accepted; for `HttpServer::on_connect`.
pub fn prepare_socket(connection: &dyn Any, _extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        prepare_stream(stream);
    }
}

/// Prepares a socket that was accepted.
///
/// The HTTP dispatcher waits without end for a peer that does not read, and asks the body for
/// nothing meanwhile: this is what frees its buffers and its file descriptor.
pub fn prepare_stream(stream: &TcpStream) {
    // What is written is whole frames, as many as there were: nothing is gained by waiting.
    let _gone_already = stream.set_nodelay(true);
    let millis = u32::try_from(UNREAD_MAX.as_millis()).expect("seconds are few milliseconds");
    // A system without this option ends such connections too, only later.
    let _unsupported = rustix::net::sockopt::set_tcp_user_timeout(stream, millis);
}
