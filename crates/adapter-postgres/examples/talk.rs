//! Makes an account and a room in a database, says something there and reads it again.

use campanile_adapter_postgres::Config;
use campanile_core::{
    message::Draft,
    name::{RoomName, UserName},
    port::{
        AccountStore, CreateAccountError, CreateRoomError, MessageStore, NewAccount, NewRoom, Page,
        RoomStore,
    },
    room::RoomKind,
    time::Timestamp,
    user::PasswordHash,
};
use campanile_metrics::Registry;
use std::{env, error::Error};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).ok_or("say which database: postgres://USER@HOST/DATABASE")?;
    let store = Config::new(url).connect(Registry::global()).await?;
    let now = Timestamp(1_800_000_000_000);
    let (ada, square) = (UserName::parse("ada")?, RoomName::parse("square")?);
    let password = PasswordHash(String::new());
    let new =
        NewAccount { name: ada.clone(), password, operator: false, created_at: now, invite: None };
    match AccountStore::create(&store, new).await {
        Ok(_) | Err(CreateAccountError::Taken) => {}
        Err(error) => return Err(error.into()),
    }
    let members = vec![ada.clone()];
    let new = NewRoom { name: square.clone(), kind: RoomKind::Public, members, created_at: now };
    match RoomStore::create(&store, new).await {
        Ok(_) | Err(CreateRoomError::Exists) => {}
        Err(error) => return Err(error.into()),
    }
    let body = "The bell rings.".into();
    let draft = Draft { room: square.clone(), from: ada, body, key: None, reply_to: None };
    let appended = store.append(draft, now).await?;
    println!("stored as number {}", appended.message.seq().0);
    for message in store.history(&square, Page::Newest, 10).await?.messages {
        println!("{} {}: {}", message.seq().0, message.from, message.body);
    }
    store.close().await;
    Ok(())
}
