//! A private PostgreSQL.

use crate::{
    program::{Program, find, unprivileged},
    tls::Tls,
    wait::{free_port, until},
};
use rustix::process::Signal;
use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// How long starting may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom the tests are.
const USER: &str = "campanile";

/// How they prove it.
const PASSWORD: &str = "a password of the tests";

/// A PostgreSQL server with nothing in it.
#[derive(Debug)]
pub struct Postgres {
    directory: TempDir,
    port: u16,
    settings: Vec<String>,
    is_secure: bool,
    program: Option<Program>,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL, or it does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with settings, each `name=value`.
    ///
    /// # Panics
    ///
    /// As [`Postgres::start`].
    pub fn start_with(settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        Self::start_in(directory, settings)
    }

    /// The same in a directory, which may be on a file system of its own.
    ///
    /// # Panics
    ///
    /// As [`Postgres::start`].
    pub fn start_in(directory: TempDir, settings: &[&str]) -> Self {
        let mut server = Self::make(directory, settings);
        server.start_again();
        server
    }

    /// Starts one that lets nobody in without TLS.
    ///
    /// # Panics
    ///
    /// As [`Postgres::start`].
    pub fn start_secure(tls: Tls<'_>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (certificate, key) =
            (directory.path().join("cert.pem"), directory.path().join("key.pem"));
        fs::copy(tls.certificate, &certificate).expect("the certificate can be copied");
        fs::copy(tls.key, &key).expect("the key can be copied");
        // It takes no key that others can read.
        let secret = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&key, secret).expect("the key is ours");
        let files = [("ssl_cert_file", certificate), ("ssl_key_file", key)];
        let files = files.map(|(name, path)| format!("{name}={}", path.display()));
        let mut server = Self::make(directory, &["ssl=on", &files[0], &files[1]]);
        let rules = server.directory.path().join("data/pg_hba.conf");
        fs::write(rules, "hostssl all all all scram-sha-256\n").expect("its data is there");
        server.is_secure = true;
        server.start_again();
        server
    }

    /// Makes its data.
    fn make(directory: TempDir, settings: &[&str]) -> Self {
        let password = directory.path().join("password");
        fs::write(&password, PASSWORD).expect("the directory can be written");
        let mut initdb = unprivileged(program("initdb"), directory.path());
        let data = directory.path().join("data");
        initdb.arg("--pgdata").arg(&data).args(["--username", USER, "--encoding", "UTF8"]);
        initdb.args(["--locale", "C", "--no-sync", "--auth", "scram-sha-256", "--pwfile"]);
        let made = initdb.arg(&password).output().expect("initdb can be started");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "cannot make a cluster: {said}");
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        Self { directory, port: free_port(), settings, is_secure: false, program: None }
    }

    /// Where a database is. A certificate is for a name, so one that speaks TLS is found by its
    /// name.
    pub fn url(&self, database: &str) -> String {
        let password = PASSWORD.replace(' ', "%20");
        let host = if self.is_secure { "localhost" } else { "127.0.0.1" };
        format!("postgres://{USER}:{password}@{host}:{}/{database}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database; where it is.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn create_database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// Runs SQL in a database; what it gave, a line a row.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = Command::new(program("psql"));
        psql.arg(self.url(database)).args(["--no-psqlrc", "--quiet", "--no-align"]);
        psql.args(["--tuples-only", "--set", "ON_ERROR_STOP=1", "--command", sql]);
        let ran = psql.output().expect("psql can be started");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{sql}: {said}");
        String::from_utf8_lossy(&ran.stdout).trim_end().to_owned()
    }

    /// Kills it and all its children, as a power cut does.
    pub fn kill(&mut self) {
        // Held up first, so that it starts no others.
        self.pause();
        self.signal_children("-KILL");
        if let Some(mut program) = self.program.take() {
            program.kill();
        }
    }

    /// Ends it without a checkpoint: connections are cut at once.
    pub fn stop_immediately(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.stop(Signal::QUIT);
        }
    }

    /// Starts it again over what it has kept.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_again(&mut self) {
        let log = self.directory.path().join("log");
        let data = self.directory.path().join("data");
        until("the children of a killed one end", PATIENCE, || (!is_in_use(&data)).then_some(()));
        let _stale = fs::remove_file(data.join("postmaster.pid"));
        let mut postgres = unprivileged(program("postgres"), self.directory.path());
        postgres.arg("-D").arg(&data).args(["-p", &self.port.to_string()]);
        postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        for setting in &self.settings {
            postgres.args(["-c", setting]);
        }
        let mut program = Program::start(postgres, &log);
        until("PostgreSQL starts", PATIENCE, || {
            assert!(program.runs(), "PostgreSQL ended: {}", program.last_words());
            self.answers().then_some(())
        });
        self.program = Some(program);
    }

    /// Makes it a standby, which can be read and not written.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn become_standby(&mut self) {
        self.stop_immediately();
        let signal = self.directory.path().join("data/standby.signal");
        fs::write(signal, "").expect("its data is there");
        self.start_again();
    }

    /// Holds up the server and all its children.
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Whether it takes connections.
    pub fn answers(&self) -> bool {
        let ready = Command::new(program("pg_isready"))
            .args(["--quiet", "--host", "127.0.0.1", "--port", &self.port.to_string()])
            .status();
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && ready.is_ok_and(|status| status.success())
    }

    fn signal_all(&self, signal: Signal) {
        let Some(program) = &self.program else {
            return;
        };
        program.signal(signal);
        self.signal_children(if signal == Signal::STOP { "-STOP" } else { "-CONT" });
    }

    fn signal_children(&self, name: &str) {
        let Some(program) = &self.program else {
            return;
        };
        let parent = program.id().to_string();
        let _none = Command::new("pkill").args([name, "--parent", &parent]).status();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.resume();
        self.stop_immediately();
    }
}

/// Whether processes of a server that was killed still use its data: each stands in it.
fn is_in_use(data: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let places = processes.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    places.into_iter().any(|place| place == data)
}

/// A program of PostgreSQL, the newest version that is installed.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    find(name, &folders, "postgresql")
}
