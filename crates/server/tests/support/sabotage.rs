//! What another program does to the store behind the server's back.

use super::Server;
use sqlx::{Connection, SqliteConnection};
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// Holds the store, so that nobody else writes. Dropping it lets go.
pub(crate) struct Hold {
    _connection: SqliteConnection,
    _runtime: Runtime,
}

/// Runs a statement.
pub(crate) fn change(server: &Server, statement: &'static str) {
    change_in(server.data.path(), statement);
}

/// The same in the store of this data directory.
pub(crate) fn change_in(data: &Path, statement: &'static str) {
    let runtime = runtime();
    runtime.block_on(async {
        let mut connection = open(data).await;
        sqlx::query(statement).execute(&mut connection).await.expect("it is done");
        connection.close().await.expect("the file closes");
    });
}

/// Begins to write and does not end.
pub(crate) fn lock(server: &Server) -> Hold {
    let runtime = runtime();
    let connection = runtime.block_on(async {
        let mut connection = open(server.data.path()).await;
        let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await;
        begun.expect("nobody else writes now");
        connection
    });
    Hold { _connection: connection, _runtime: runtime }
}

async fn open(data: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", data.join("campanile.db").display());
    SqliteConnection::connect(&url).await.expect("the file opens")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}
