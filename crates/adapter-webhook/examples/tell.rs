//! Hands a webhook to a receiver that it starts itself, and shows what the receiver gets.

#![expect(clippy::print_stdout, reason = "it is an example that shows something")]

use campanile_adapter_webhook::{Allowed, Config, Letter, Letters, Receivers};
use campanile_core::{
    channel::{AppId, Channel},
    port::WebhookService,
    time::Timestamp,
    webhook::{Happening, HookId, What},
};
use campanile_neighbours::Receiver;
use std::error::Error;

struct Plain;

impl Letters for Plain {
    fn write(&self, _: &HookId, happenings: &[Happening]) -> Option<Letter> {
        let first = happenings.first()?;
        let body = format!("{:?}", first.channel.name()).into();
        Some(Letter { body, headers: vec![("X-Signed-By", "nobody".to_owned())] })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let receiver = Receiver::start();
    let allowed = Allowed::public().and("localhost")?;
    let config = Config { allowed, authorities: Vec::new(), letters: Box::new(Plain) };
    let receivers = Receivers::new(config)?;
    let app = AppId::parse("1001")?;
    let channel = Channel::new(&app, "news");
    let happening = Happening { channel, at: Timestamp(0), what: What::Occupied };
    let hook = HookId { app, url: receiver.url("hook").into() };
    receivers.deliver(&hook, &[happening]).await?;
    let received = receiver.next();
    println!("POST {} {}", received.path, String::from_utf8_lossy(&received.body));
    Ok(())
}
