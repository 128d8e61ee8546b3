//! A private PgBouncer before a private PostgreSQL.

use crate::{
    Postgres,
    program::{Program, find, unprivileged},
    wait::{free_port, until},
};
use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};
use tempfile::TempDir;

/// A PgBouncer in transaction mode.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _program: Program,
    _directory: TempDir,
}

impl PgBouncer {
    /// Starts one before a server.
    ///
    /// # Panics
    ///
    /// When there is no PgBouncer, or it does not start.
    pub fn before(postgres: &Postgres) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let port = free_port();
        let users = directory.path().join("users.txt");
        let hash = postgres.sql("postgres", "SELECT rolpassword FROM pg_authid WHERE rolcanlogin");
        fs::write(&users, format!("\"campanile\" \"{hash}\"\n")).expect("it can be written");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = 5\nmax_client_conn = 200\n\
             ignore_startup_parameters = extra_float_digits\n",
            postgres.port(),
            users.display(),
        );
        let file = directory.path().join("pgbouncer.ini");
        fs::write(&file, settings).expect("it can be written");
        let program = find("pgbouncer", &[], "pgbouncer");
        let mut command = unprivileged(program, directory.path());
        command.arg(&file);
        let mut program = Program::start(command, &directory.path().join("log"));
        until("PgBouncer starts", Duration::from_secs(30), || {
            assert!(program.runs(), "PgBouncer ended: {}", program.last_words());
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        Self { port, _program: program, _directory: directory }
    }

    /// Where a database of the server is, through this.
    pub fn url(&self, postgres: &Postgres, database: &str) -> String {
        let direct = postgres.url(database);
        direct.replace(&format!(":{}/", postgres.port()), &format!(":{}/", self.port))
    }
}
