//! How much later messages are heard while the server ships its log lines, whatever becomes of
//! them.
//!
//! Each message that is handled is a line. Each kind of turn has a server of its own, the whole
//! program, and most of them a stand-in for Loki that always does the same: so each server is in
//! the state that its Loki brings about, long after the waits and the backlog of a beginning. A
//! second server that ships nothing shows what chance does.

use crate::{
    crowd::Crowd,
    latency::scrape,
    server::Server,
    stand_in::{Manner, StandIn},
    turns::{self, Arguments, Kind},
};
use anyhow::{Result, ensure};
use std::time::Duration;

/// What a slow Loki takes for a push.
const SLOW: Duration = Duration::from_secs(2);

/// What becomes of the lines.
#[derive(Clone, Copy)]
enum Shipping {
    No,
    Answers,
    Away,
    Slow,
    Stalls,
}

const KINDS: [(&str, Shipping); 6] = [
    ("not shipped", Shipping::No),
    ("not shipped, again", Shipping::No),
    ("Loki answers", Shipping::Answers),
    ("Loki is away", Shipping::Away),
    ("Loki answers after 2 s", Shipping::Slow),
    ("Loki never answers", Shipping::Stalls),
];

/// A server, who is connected to it, and where its lines go.
struct Contender {
    name: &'static str,
    crowd: Crowd,
    server: Server,
    loki: Option<StandIn>,
}

pub(crate) async fn compare(arguments: &Arguments) -> Result<()> {
    let mut contenders = Vec::new();
    for (name, shipping) in KINDS {
        contenders.push(Contender::start(name, shipping, arguments).await?);
    }
    let mut kinds = KINDS.map(|(name, _)| Kind::new(name));
    for (place, is_counted) in arguments.order(KINDS.len()) {
        let latenesses = arguments.turn(&mut contenders[place].crowd).await?;
        if is_counted {
            kinds[place].add(&latenesses);
        }
    }
    turns::report(&kinds);
    for contender in contenders.iter().filter(|contender| contender.loki.is_some()) {
        contender.account()?;
    }
    Ok(())
}

impl Shipping {
    fn loki(self) -> Option<StandIn> {
        let manner = match self {
            Self::No => return None,
            Self::Answers | Self::Away => Manner::Count,
            Self::Slow => Manner::Slow(SLOW),
            Self::Stalls => Manner::Stall,
        };
        let loki = StandIn::start();
        loki.behave(manner);
        if let Self::Away = self {
            loki.go_down();
        }
        Some(loki)
    }
}

impl Contender {
    async fn start(name: &'static str, shipping: Shipping, arguments: &Arguments) -> Result<Self> {
        let loki = shipping.loki();
        let server = Server::start_program(loki.as_ref().map(StandIn::url)).await?;
        let crowd = Crowd::gather(&server, arguments.scene, arguments.listeners).await?;
        Ok(Self { name, crowd, server, loki })
    }

    /// Says what became of the lines.
    ///
    /// # Errors
    ///
    /// When there is not at least a line for each message: then something else was measured.
    #[expect(clippy::print_stdout, reason = "it is a program that reports")]
    fn account(&self) -> Result<()> {
        let text = String::from_utf8(scrape(self.server.metrics, "identity")?)?;
        let of = |name: &str| sum(&text, &format!("chat_log_shipper_{name}"));
        let (sent, dropped) = (of("entries_sent_total"), of("entries_dropped_total"));
        let (waiting, pushes) = (of("buffer_entries"), of("requests_total"));
        let (name, messages) = (self.name, self.crowd.sent());
        println!(
            "{name}: {messages} messages; {sent} lines sent, {dropped} dropped, {waiting} wait; \
             {pushes} pushes ended"
        );
        ensure!(
            sent + dropped + waiting >= messages as f64,
            "{name}: not every message was a line"
        );
        Ok(())
    }
}

/// All series of a metric together.
fn sum(text: &str, metric: &str) -> f64 {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        let value = rest.rsplit_once(' ').filter(|_| rest.starts_with(['{', ' ']))?.1;
        value.parse::<f64>().ok()
    });
    values.sum()
}
