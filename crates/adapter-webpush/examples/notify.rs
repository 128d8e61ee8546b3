//! A notification's way: from the server, encrypted, through a push service, to a browser that
//! reads it.

#![expect(clippy::print_stdout, reason = "it is an example that shows something")]

use campanile_adapter_memory::SystemClock;
use campanile_adapter_webpush::{Authority, Config, VapidKey, WebPush};
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::PushService as _,
    push::{Notification, PushEndpoint, PushSubscription},
};
use campanile_neighbours::PushService;
use std::{error::Error, sync::Arc, time::Duration};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let push_service = PushService::start();
    let (p256dh, auth) = push_service.keys();
    let endpoint = PushEndpoint::parse(&push_service.endpoint("of-a-browser"))?;
    let subscription = PushSubscription { endpoint, p256dh, auth };

    let config = Config {
        key: VapidKey::generate(),
        contact: None,
        time_to_live: Duration::from_secs(60),
        // It is on this machine.
        allow_private: true,
        authorities: Authority::parse(push_service.authority().as_bytes())?,
    };
    let web_push = WebPush::new(config, Arc::new(SystemClock::new()))?;
    let notification = Notification {
        room: RoomName::parse("dm.0123")?,
        seq: Sequence(1),
        from: UserName::parse("ada")?,
        body: "The bell rings at noon.".to_owned(),
    };
    web_push.deliver(&subscription, &notification).await?;

    let pushed = push_service.next();
    println!("POST {}", pushed.path);
    for name in ["ttl", "urgency", "topic", "content-encoding", "content-length"] {
        println!("{name}: {}", pushed.headers.get(name).map_or("", String::as_str));
    }
    println!("the browser reads: {}", pushed.text);
    Ok(())
}
