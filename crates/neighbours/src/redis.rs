//! A private Redis.

use crate::{
    program::{Program, find},
    tls::Tls,
    wait::{free_port, until},
};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::Duration,
};
use tempfile::TempDir;

/// A Redis server that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    directory: TempDir,
    port: u16,
    arguments: Vec<String>,
    is_secure: bool,
    program: Option<Program>,
}

impl Redis {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When there is no Redis, or it does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further arguments.
    ///
    /// # Panics
    ///
    /// As [`Redis::start`].
    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_on(free_port(), arguments, false)
    }

    /// Starts one that speaks TLS only.
    ///
    /// # Panics
    ///
    /// As [`Redis::start`].
    pub fn start_secure(tls: Tls<'_>) -> Self {
        let port = free_port();
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        let (certificate, key) = (certificate.to_string(), key.to_string());
        let arguments = [
            "--port",
            "0",
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-auth-clients",
            "no",
        ];
        Self::start_on(port, &arguments, true)
    }

    fn start_on(port: u16, arguments: &[&str], is_secure: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { directory, port, arguments, is_secure, program: None };
        server.start_again();
        server
    }

    /// Where it is. A certificate is for a name, so one that speaks TLS is found by its name.
    pub fn url(&self) -> String {
        if self.is_secure {
            return format!("rediss://localhost:{}", self.port);
        }
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a command with `redis-cli`; what it answered.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub fn ask(&self, words: &[&str]) -> String {
        let mut client = Command::new(find("redis-cli", &[], "redis-tools"));
        client.args(["-p", &self.port.to_string()]).args(words);
        let answer = client.output().expect("redis-cli can be started");
        String::from_utf8_lossy(&answer.stdout).trim_end().to_owned()
    }

    /// Kills it: everything it had is gone.
    pub fn kill(&mut self) {
        if let Some(mut program) = self.program.take() {
            program.kill();
        }
    }

    /// Starts it again, empty, in the same place.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn start_again(&mut self) {
        let mut command = Command::new(find("redis-server", &[], "redis-server"));
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "no", "--dir"]).arg(self.directory.path());
        command.args(&self.arguments);
        let mut program = Program::start(command, &self.directory.path().join("log"));
        until("Redis starts", Duration::from_secs(30), || {
            assert!(program.runs(), "Redis ended: {}", program.last_words());
            self.answers().then_some(())
        });
        self.program = Some(program);
    }

    /// Holds it up.
    pub fn pause(&self) {
        if let Some(program) = &self.program {
            program.pause();
        }
    }

    /// Lets it go on.
    pub fn resume(&self) {
        if let Some(program) = &self.program {
            program.resume();
        }
    }

    /// Whether it answers, with whatever.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        let _never = stream.set_read_timeout(Some(Duration::from_secs(1)));
        let mut answer = [0; 1];
        // Whoever speaks TLS says nothing before it has heard of it.
        self.is_secure
            || stream.write_all(b"PING\r\n").is_ok() && stream.read_exact(&mut answer).is_ok()
    }
}
