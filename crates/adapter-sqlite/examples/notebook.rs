//! A notebook: keeps lines in a file, each numbered, and shows the last ones.
//!
//! `notebook FILE [LINE…]`

use campanile_adapter_sqlite::{Config, SqliteStore};
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
use std::error::Error;

/// A notebook does not care when; a server passes the time of its clock.
const NOW: Timestamp = Timestamp(0);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: notebook FILE [LINE…]")?;
    let store = Config::new(path).open(Registry::global()).await?;
    let (writer, notes) = (UserName::parse("writer")?, RoomName::parse("notes")?);
    prepare(&store, &writer, &notes).await?;
    for line in arguments {
        let draft = Draft {
            room: notes.clone(),
            from: writer.clone(),
            body: line.into(),
            key: None,
            reply_to: None,
        };
        let appended = store.append(draft, NOW).await?;
        println!("kept as number {}", appended.message.seq().0);
    }
    for message in store.history(&notes, Page::Newest, 20).await?.messages {
        println!("{:>6}  {}", message.seq().0, message.body);
    }
    store.close().await;
    Ok(())
}

/// Makes what a line needs, unless it is there from an earlier time.
async fn prepare(
    store: &SqliteStore,
    writer: &UserName,
    notes: &RoomName,
) -> Result<(), Box<dyn Error>> {
    let account = NewAccount {
        name: writer.clone(),
        password: PasswordHash(String::new()),
        operator: false,
        created_at: NOW,
        invite: None,
    };
    match AccountStore::create(store, account).await {
        Ok(_) | Err(CreateAccountError::Taken) => {}
        Err(error) => return Err(error.into()),
    }
    let room = NewRoom {
        name: notes.clone(),
        kind: RoomKind::Private,
        members: vec![writer.clone()],
        created_at: NOW,
    };
    match RoomStore::create(store, room).await {
        Ok(_) | Err(CreateRoomError::Exists) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
