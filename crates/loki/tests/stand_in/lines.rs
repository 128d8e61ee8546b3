//! Lines of usual length, to be logged.

/// Logs a line as the server has them. Its `trace_id` is that of no other number.
pub(crate) fn log_as_a_server(line: u64) {
    // Something that does not repeat itself, as identifiers do not.
    let id = line.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (user, room, duration_ms) = (id % 1_000, id % 97, (id % 10_000) as f64 / 1_000.0);
    tracing::info!(
        event = "message_delivered",
        user = %format_args!("user-{user}"),
        room = %format_args!("room-{room}"),
        trace_id = %format_args!("{:032x}", u128::from(id) << 64 | u128::from(id.rotate_left(17))),
        duration_ms,
        "message delivered"
    );
}
