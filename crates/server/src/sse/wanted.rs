//! What a request for a stream asks for: which rooms, and from where on.

use crate::reply::Refused;
use actix_web::{HttpRequest, web::Query};
use campanile_core::{
    message::{Epoch, Sequence},
    name::RoomName,
};
use campanile_protocol::{LastEventId, Position, STREAM_ROOMS_MAX};

/// The header in which a client says what it has.
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// What is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Rooms, each once: at least one, and not too many.
    pub(super) rooms: Vec<RoomName>,
    /// What the client has of those rooms.
    pub(super) last: LastEventId,
}

impl Wanted {
    /// Reads it from a request.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Refused> {
        let rooms = rooms(request.query_string())?;
        let mut last = match request.headers().get(LAST_EVENT_ID) {
            None => LastEventId::default(),
            Some(value) => {
                let text = value.to_str().unwrap_or("?");
                text.parse().map_err(|error| Refused::bad_request(format!("{error}")))?
            }
        };
        last.0.retain(|position| rooms.iter().any(|room| room.as_str() == position.room));
        Ok(Self { rooms, last })
    }

    /// What the client has of a room, if it has any of it.
    pub(super) fn since(&self, room: &RoomName) -> Option<(Epoch, Sequence)> {
        let position = self.last.0.iter().find(|position| position.room == room.as_str());
        position.map(|Position { epoch, seq, .. }| (Epoch(epoch.0), Sequence(*seq)))
    }
}

fn rooms(query: &str) -> Result<Vec<RoomName>, Refused> {
    let asked = Query::<Vec<(String, String)>>::from_query(query);
    let asked = asked.map_err(|error| Refused::bad_request(error.to_string()))?;
    let mut rooms = Vec::new();
    for (name, value) in asked.into_inner() {
        if name != "room" {
            return Err(Refused::bad_request(format!("there is no parameter `{name}`")));
        }
        let room = RoomName::parse(&value)?;
        if !rooms.contains(&room) {
            rooms.push(room);
        }
    }
    match rooms.len() {
        0 => Err(Refused::bad_request("say which `room`, once for each")),
        1..=STREAM_ROOMS_MAX => Ok(rooms),
        _ => {
            let detail = format!("a stream tells of at most {STREAM_ROOMS_MAX} rooms");
            Err(Refused::bad_request(detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn wanted(query: &str, last: &str) -> Result<Wanted, Refused> {
        let request = TestRequest::with_uri(&format!("/sse?{query}"));
        Wanted::of(&request.insert_header((LAST_EVENT_ID, last)).to_http_request())
    }

    #[test]
    fn rooms_are_named_one_by_one() {
        let wanted = wanted("room=a&room=b&room=a", "b:00000000000000ff:7,c:00000000000000ff:9");
        let wanted = wanted.expect("it is understood");
        let names: Vec<_> = wanted.rooms.iter().map(RoomName::as_str).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(wanted.since(&wanted.rooms[0]), None);
        assert_eq!(wanted.since(&wanted.rooms[1]), Some((Epoch(255), Sequence(7))));
        assert_eq!(wanted.last.0.len(), 1, "what is not asked for is not told of");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let many: Vec<_> = (0..=STREAM_ROOMS_MAX).map(|room| format!("room=r{room}")).collect();
        for query in ["", "room=", "room=A+B", "rooms=a", "room=a&limit=3", &many.join("&")] {
            wanted(query, "").expect_err(query);
        }
        wanted("room=a", "7").expect_err("it would miss what it thinks it has");
    }
}
