//! A push service with a browser behind it (RFC 8030): takes notifications over TLS, and reads them
//! as the browser would (RFC 8188, RFC 8291).

use crate::http::{headers, identity};
use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand::fill,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// How long a notification is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Notifications that nobody has looked at yet.
const WAITING_MAX: usize = 1_024;

/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(20);

/// A push service on a free port. It answers 201 unless it is told otherwise.
pub struct PushService {
    port: u16,
    authority: String,
    browser: Arc<Browser>,
    answers: Arc<Mutex<Vec<String>>>,
    pushed: mpsc::Receiver<Pushed>,
    ended: Arc<AtomicBool>,
}

/// A notification as it came.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The path it was sent to.
    pub path: String,
    /// The headers, by their names in small letters.
    pub headers: HashMap<String, String>,
    /// What the browser reads.
    pub text: String,
}

/// The keys of a browser.
struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    auth: [u8; 16],
}

impl PushService {
    /// Starts one, with a browser that has new keys.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (config, authority) = identity();
        let browser = Arc::new(Browser::new());
        let answers = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, pushed) = mpsc::sync_channel(WAITING_MAX);
        let service = Self {
            port,
            authority,
            browser: browser.clone(),
            answers: answers.clone(),
            pushed,
            ended: ended.clone(),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (config, browser, answers, sender) =
                    (config.clone(), browser.clone(), answers.clone(), sender.clone());
                // A client that goes away is its own affair.
                thread::spawn(move || serve(stream, config, &browser, &answers, &sender));
            }
        });
        service
    }

    /// Where a subscription of this name is written to.
    pub fn endpoint(&self, name: &str) -> String {
        format!("https://localhost:{}/push/{name}", self.port)
    }

    /// Who vouches for it, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The browser's public key and the secret it shares, as it hands them out.
    pub fn keys(&self) -> ([u8; 65], [u8; 16]) {
        let public = self.browser.public.as_slice().try_into().expect("a point");
        (public, self.browser.auth)
    }

    /// What the next requests are answered with, one each: a status line without `HTTP/1.1`, and
    /// headers, each ended by `\r\n`. An answer with an empty line in it is sent as it is, and
    /// otherwise ended without a body.
    pub fn answer_next(&self, answers: &[&str]) {
        let answers = answers.iter().rev().map(|answer| (*answer).to_owned());
        *lock(&self.answers) = answers.collect();
    }

    /// The next notification.
    pub fn next(&self) -> Pushed {
        self.pushed.recv_timeout(PATIENCE).expect("a notification comes")
    }

    /// Whether none comes for a while.
    pub fn is_silent_for(&self, time: Duration) -> bool {
        self.pushed.recv_timeout(time).is_err()
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Browser {
    fn new() -> Self {
        let private = PrivateKey::generate(&ECDH_P256).expect("a key");
        let public = private.compute_public_key().expect("its point").as_ref().to_vec();
        let mut auth = [0; 16];
        fill(&mut auth).expect("random bytes");
        Self { private, public, auth }
    }

    /// Reads a message of one record.
    fn read(&self, message: &[u8]) -> String {
        let (salt, rest) = message.split_at(16);
        let (size, rest) = rest.split_at(4);
        assert_eq!(size, 4_096_u32.to_be_bytes(), "the size of a record");
        assert_eq!(rest[0], 65, "the length of a point");
        let (theirs, sealed) = rest[1..].split_at(65);
        let secret =
            agree(&self.private, UnparsedPublicKey::new(&ECDH_P256, theirs), (), |agreed| {
                let keys = Salt::new(HKDF_SHA256, &self.auth).extract(agreed);
                Ok(expand::<32>(&keys, &[b"WebPush: info\0", &self.public, theirs]))
            });
        let keys = Salt::new(HKDF_SHA256, salt).extract(&secret.expect("a point"));
        let key = expand::<16>(&keys, &[b"Content-Encoding: aes128gcm\0"]);
        let nonce = expand::<12>(&keys, &[b"Content-Encoding: nonce\0"]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).expect("a key"));
        let mut plain = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = key.open_in_place(nonce, Aad::empty(), &mut plain).expect("it is for us");
        let end = plain.iter().rposition(|byte| *byte != 0).expect("the mark of the end");
        assert_eq!(plain[end], 2, "the last record");
        String::from_utf8(plain[..end].to_vec()).expect("text")
    }
}

fn expand<const N: usize>(keys: &Prk, info: &[&[u8]]) -> [u8; N] {
    struct Bytes(usize);
    impl KeyType for Bytes {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut bytes = [0; N];
    let expanded = keys.expand(info, Bytes(N)).and_then(|key| key.fill(&mut bytes));
    expanded.expect("it is short");
    bytes
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    browser: &Browser,
    answers: &Mutex<Vec<String>>,
    sender: &mpsc::SyncSender<Pushed>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let headers = headers(&mut stream)?;
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let answer = lock(answers).pop().unwrap_or_else(|| "201 Created\r\n".to_owned());
        let text = browser.read(&body);
        let end = if answer.contains("\r\n\r\n") { "" } else { "Content-Length: 0\r\n\r\n" };
        let answered = write!(stream.get_mut(), "HTTP/1.1 {answer}{end}")
            .and_then(|()| stream.get_mut().flush());
        // A client that does not read its answer to the end has pushed all the same.
        let _nobody_waits = sender.send(Pushed { path, headers, text });
        answered?;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
