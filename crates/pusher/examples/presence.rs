//! A client enters a presence channel and hears an event: every step, without a network.

use campanile_pusher::http::{Publish, SignedRequest, signed_query};
use campanile_pusher::{
    ChannelName, ClientFrame, Credentials, Data, Keys, Limits, Member, Present, Query, Refusal,
    ServerFrame, SocketId,
};

const NOW: i64 = 1_795_255_200;

fn main() {
    let (limits, credentials) = (Limits::default(), Credentials::new("app-key", "app-secret"));
    let keys = Keys::new(vec![credentials.clone()]);
    // Two random numbers, in a server.
    let socket_id = SocketId::new(4_711, 815);
    show(&ServerFrame::ConnectionEstablished {
        socket_id,
        activity_timeout_seconds: limits.activity_timeout_seconds,
    });

    // The client's own server lets it in; the client hands that on.
    for frame in [enter(&credentials, socket_id), enter(&credentials, SocketId::new(1, 1))] {
        subscribe(&frame, socket_id, &keys, &limits);
    }

    // The application publishes.
    let (path, body) = (
        "/apps/1/events",
        br#"{"name":"noon","channel":"presence-square","data":"{\"bells\":12}"}"#,
    );
    let query = signed_query(&credentials, ("POST", path), &[], body, NOW);
    let query = Query::parse(&query);
    let request = SignedRequest { method: "POST", path, query: &query, body };
    request.check(&keys, NOW, &limits).expect("it was signed just now");
    let publish = Publish::parse(body, &query, &limits).expect("an event for a channel");
    for channel in &publish.channels {
        show(&ServerFrame::Event {
            event: &publish.event.name,
            channel: channel.as_str(),
            data: Some(Data::Json(publish.event.data.get())),
            user_id: None,
        });
    }
}

/// What a client sends that was let in with this socket.
fn enter(credentials: &Credentials, socket_id: SocketId) -> String {
    let limits = Limits::default();
    let channel = ChannelName::parse("presence-square", &limits).expect("a name");
    let auth = credentials.authorise_channel(socket_id, &channel, Some(r#"{"user_id":7}"#));
    format!(
        r#"{{"event":"pusher:subscribe","data":{{"channel":"{channel}","auth":"{auth}","channel_data":"{{\"user_id\":7}}"}}}}"#
    )
}

/// What a server does with it.
fn subscribe(frame: &str, socket_id: SocketId, keys: &Keys, limits: &Limits) {
    let subscribe = match ClientFrame::decode(frame, limits) {
        Ok(ClientFrame::Subscribe(subscribe)) => subscribe,
        Ok(_) => return,
        Err(why) => return show(&ServerFrame::Error(&Refusal::Frame(why))),
    };
    let (channel, data) = (&subscribe.channel, subscribe.channel_data.as_deref());
    if let Err(why) = keys.check_channel(subscribe.auth.as_deref(), socket_id, channel, data) {
        return show(&ServerFrame::Error(&Refusal::Auth { channel, why }));
    }
    match Member::parse(data.unwrap_or_default(), limits) {
        Ok(member) => {
            let members = [Present::from(&member)];
            show(&ServerFrame::SubscribedPresence { channel: channel.as_str(), members: &members });
        }
        Err(why) => show(&ServerFrame::Error(&Refusal::Member { channel, why })),
    }
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
fn show(frame: &ServerFrame<'_>) {
    println!("{}", String::from_utf8_lossy(&frame.to_bytes()));
}
