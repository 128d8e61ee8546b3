//! Something that answers as another service would, for the tests of those who ask it.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use super::request::Request;

/// The beginning of the path, the status, and the body.
pub(crate) type Answer = (&'static str, u16, &'static str);

/// Listens until the program ends: its thread holds nothing but the listener and the record.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    /// Answers each path that begins as one of these; others are not found.
    pub(crate) fn start(answers: &'static [Answer]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::<Mutex<Vec<Request>>>::default();
        let record = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let request = Request::read(&stream).expect("it is a request");
                let known = answers.iter().find(|(path, ..)| request.path.starts_with(path));
                let (_, status, body) = known.unwrap_or(&("", 404, "404 page not found"));
                // Before the answer: who has it may look at once.
                record.lock().expect("nobody panics with it").push(request);
                let length = body.len();
                let head = format!("HTTP/1.1 {status} -\r\nContent-Length: {length}\r\n");
                // Who asked may be gone.
                let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
            }
        });
        Self { address, asked }
    }

    /// What was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Request> {
        std::mem::take(&mut self.asked.lock().expect("nobody panics with it"))
    }
}
