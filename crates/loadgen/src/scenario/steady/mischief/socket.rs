//! Wrong things over WebSockets.

use std::time::Duration;

use campanile_protocol::{ErrorCode, FRAME_BYTES_MAX, Request, ServerFrame};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::{Away, Rascal};
use crate::line::{Cut, Line};
use crate::target::Window;

/// How long an answer, or the end, is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// More requests than a connection may make at once, and more joins and messages than a user may.
const TOO_MANY: usize = 300;

impl Rascal {
    /// Enters rooms that one may not enter.
    pub(super) async fn enter_wrongly(&self, turn: usize) -> Result<(), Away> {
        let room =
            if turn.is_multiple_of(2) { self.private_room() } else { self.world.room("unknown") };
        let request = Request::Join { room, since: None };
        self.refused("a room one may not enter", request, ErrorCode::NotFound).await
    }

    /// Says, or marks, what one may not.
    pub(super) async fn speak_wrongly(&self, turn: usize) -> Result<(), Away> {
        let (room, mine, key) = (self.other_room(), self.room.clone(), None);
        let (request, code) = match turn % 5 {
            0 => {
                let body = "x".to_owned();
                (Request::Send { room, body, key, reply_to: None }, ErrorCode::Forbidden)
            }
            1 => (Request::Typing { room, on: true }, ErrorCode::Forbidden),
            2 => (Request::Read { room, seq: 1 }, ErrorCode::Forbidden),
            3 => {
                let body = "x".repeat(20_000);
                (Request::Send { room: mine, body, key, reply_to: None }, ErrorCode::TooLarge)
            }
            _ => {
                let body = "x".to_owned();
                (Request::Edit { room: mine, seq: 1 << 40, body }, ErrorCode::NotFound)
            }
        };
        self.refused("what one may not say", request, code).await
    }

    /// Frames that break the protocol, and how the server closes for each.
    pub(super) async fn break_frames(&self, turn: usize) -> Result<(), Away> {
        let text = |payload: &'static [u8]| {
            Message::Frame(Frame::message(payload, OpCode::Data(Data::Text), true))
        };
        let (what, frame, code) = match turn % 4 {
            0 => {
                let mut line = self.line().await?;
                line.throw(Message::text("{\"op\":\"dance\",\"id\":1}")).await?;
                let answer = answer(&mut line).await?;
                self.check("an unknown request", answer, ErrorCode::BadRequest);
                line.close().await;
                return Ok(());
            }
            1 => ("a long frame", Message::text("x".repeat(FRAME_BYTES_MAX + 1)), 1009),
            2 => ("a binary frame", Message::binary(b"x".as_slice()), 1002),
            _ => ("text that is none", text(b"\xff\xfe"), 1007),
        };
        let mut line = self.line().await?;
        // It may be cut while it is still being sent.
        let _ = line.throw(frame).await;
        self.check_close(what, line, code).await;
        Ok(())
    }

    /// Asks faster than one may, enters faster, says more.
    pub(super) async fn be_too_fast(&self, turn: usize) -> Result<(), Away> {
        let mut line = self.line().await?;
        for number in 0..TOO_MANY {
            let room = self.room.clone();
            let request = match turn % 3 {
                0 => Request::Ping,
                1 => Request::Join { room, since: None },
                _ => {
                    let body = format!("quick {number}");
                    Request::Send { room, body, key: None, reply_to: None }
                }
            };
            line.say(request).await?;
        }
        let mut refused = 0;
        for _ in 0..TOO_MANY {
            if answer(&mut line).await? == Err(ErrorCode::RateLimited) {
                self.world.tally.refused("ws rate_limited");
                refused += 1;
            }
        }
        if refused == 0 {
            // A server without limits is one for benchmarks.
            self.world.tally.surprise(|| format!("{TOO_MANY} requests at once were let through"));
        }
        line.close().await;
        Ok(())
    }

    /// Connects and does not say who it is.
    pub(super) async fn say_nothing(&self) -> Result<(), Away> {
        let mut line = Line::open(&self.world.target, 0, Window::Usual).await?;
        line.say(Request::Ping).await?;
        let answer = answer(&mut line).await?;
        self.check("somebody unknown", answer, ErrorCode::Unauthenticated);
        self.check_close("somebody who does not say who it is", line, 1008).await;
        Ok(())
    }

    async fn refused(&self, what: &str, request: Request, code: ErrorCode) -> Result<(), Away> {
        let mut line = self.line().await?;
        line.say(request).await?;
        let answer = answer(&mut line).await?;
        self.check(what, answer, code);
        line.close().await;
        Ok(())
    }

    /// A connection that has said who it is.
    async fn line(&self) -> Result<Line, Away> {
        let mut line = Line::open(&self.world.target, 0, Window::Usual).await?;
        line.say(Request::Hello { token: Some(self.session.token.clone()) }).await?;
        match answer(&mut line).await? {
            Ok(()) => Ok(line),
            Err(_) => Err(Away),
        }
    }

    fn check(&self, what: &str, answer: Result<(), ErrorCode>, right: ErrorCode) {
        if let Err(code) = answer {
            self.world.tally.refused(&format!("ws {}", word(code)));
        }
        let busy = [ErrorCode::RateLimited, ErrorCode::Unavailable];
        let fine = answer.is_err_and(|code| code == right || busy.contains(&code));
        if !fine {
            self.world.tally.surprise(|| format!("{what} was answered {answer:?}, not {right:?}"));
        }
    }

    async fn check_close(&self, what: &str, mut line: Line, right: u16) {
        let end = async {
            loop {
                if let Err(cut) = line.hear().await {
                    return cut;
                }
            }
        };
        match timeout(PATIENCE, end).await {
            Ok(Cut::Closed(code)) => {
                self.world.tally.closed(code);
                if code != Some(right) && code != Some(1001) {
                    let told = || format!("{what} was closed with {code:?}, not {right}");
                    self.world.tally.surprise(told);
                }
                line.part().await;
            }
            // Cut off by the network, as a server that is killed cuts.
            Ok(_) => {}
            Err(_) => self.world.tally.surprise(|| format!("{what} was not closed")),
        }
    }
}

/// The next answer, passing over events; refusals are what is looked for here.
async fn answer(line: &mut Line) -> Result<Result<(), ErrorCode>, Cut> {
    let next = async {
        loop {
            match line.hear().await? {
                ServerFrame::Ok { .. } => return Ok(Ok(())),
                ServerFrame::Error { refusal, .. } => return Ok(Err(refusal.code)),
                ServerFrame::Event(_) => {}
            }
        }
    };
    timeout(PATIENCE, next).await.map_err(|_| Cut::Broken)?
}

fn word(code: ErrorCode) -> String {
    let value = serde_json::to_value(code).unwrap_or_default();
    value.as_str().unwrap_or("-").to_owned()
}
