//! What a connection does when time passes: authentication, pings, silence.

use std::time::Duration;
use tokio::time::Instant;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the upgrade until the client has said who it is.
    pub authentication: Duration,
    /// Between two pings of the server.
    pub ping_interval: Duration,
    /// From when on that is counted.
    pub pinging: Pinging,
    /// From a ping until anything is heard.
    pub ping: Duration,
    /// From one request to the next; answering pings is none.
    pub idle: Duration,
    /// From the end until the peer has read it and said goodbye.
    pub closing: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            authentication: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            pinging: Pinging::Regular,
            ping: Duration::from_secs(20),
            idle: Duration::from_secs(3_600),
            // The end of a session promises to close within two seconds, whatever the peer does,
            // and is noticed after one where another process has ended it.
            closing: Duration::from_millis(900),
        }
    }
}

/// From when on it is counted how long the server has not pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pinging {
    /// From the last ping, whatever is heard.
    Regular,
    /// From when something was heard last.
    WhenSilent,
}

/// What it is time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// To ping.
    Ping,
    /// To give up: nobody said who they are.
    NotAuthenticated,
    /// To give up: the ping was not answered.
    PingTimeout,
    /// To give up: nothing was asked for too long.
    Idle,
    /// To give up: the session has expired.
    Expired,
    /// To give up: the node is stopping, and this connection's turn has come.
    Drained,
}

/// One connection's deadlines.
pub(super) struct Timers {
    patience: Patience,
    opened: Instant,
    known: bool,
    expires: Option<Instant>,
    drained: Option<Instant>,
    heard: Instant,
    asked: Instant,
    pinged: Instant,
    /// Since when, at the earliest, a pong has been due.
    pong_awaited: Option<Instant>,
}

impl Timers {
    pub(super) fn new(patience: Patience, now: Instant) -> Self {
        Self {
            patience,
            opened: now,
            known: false,
            expires: None,
            drained: None,
            heard: now,
            asked: now,
            pinged: now,
            pong_awaited: None,
        }
    }

    /// The client has said who it is, and may stay until then.
    pub(super) fn known(&mut self, until: Option<Instant>) {
        if !self.known {
            self.known = true;
            self.pinged = self.heard;
        }
        self.expires = until;
    }

    /// The node is stopping; this connection closes at `turn`.
    pub(super) fn drain(&mut self, turn: Instant) {
        self.drained = Some(turn);
    }

    /// Something arrived.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        // Who was asked for their silence has broken it, with whatever it was.
        if self.patience.pinging == Pinging::WhenSilent {
            self.pong_awaited = None;
        }
    }

    /// A request arrived.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = now;
    }

    /// The pong of the last ping arrived; whether it was waited for.
    pub(super) fn ponged(&mut self) -> bool {
        self.pong_awaited.take().is_some()
    }

    /// When it will be time for something.
    pub(super) fn next(&self) -> Instant {
        self.deadlines().into_iter().flatten().map(|(at, _)| at).min().unwrap_or(self.opened)
    }

    /// What it is time for, if anything.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let due = self.deadlines().into_iter().flatten().find(|(at, _)| *at <= now);
        if let Some((_, Due::Ping)) = due {
            self.pinged = now;
            self.pong_awaited.get_or_insert(now);
        }
        due.map(|(_, due)| due)
    }

    /// Every deadline in force; giving up comes before pinging once more.
    fn deadlines(&self) -> [Option<(Instant, Due)>; 6] {
        let Patience { authentication, ping_interval, pinging, ping, idle, .. } = self.patience;
        let quiet_since = match pinging {
            Pinging::Regular => self.pinged,
            Pinging::WhenSilent => self.pinged.max(self.heard),
        };
        let silent_since = self.pong_awaited.map(|awaited| awaited.max(self.heard));
        let known = |at, due| self.known.then_some((at, due));
        [
            self.drained.map(|at| (at, Due::Drained)),
            self.expires.map(|at| (at, Due::Expired)),
            (!self.known).then_some((self.opened + authentication, Due::NotAuthenticated)),
            silent_since.map(|since| (since + ping, Due::PingTimeout)),
            known(self.asked + idle, Due::Idle),
            known(quiet_since + ping_interval, Due::Ping),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        authentication: Duration::from_secs(10),
        ping_interval: Duration::from_secs(25),
        pinging: Pinging::Regular,
        ping: Duration::from_secs(20),
        idle: Duration::from_secs(100),
        closing: Duration::from_secs(5),
    };

    /// Lets time pass from one deadline to the next; what was due, and after how many seconds.
    fn run(timers: &mut Timers, start: Instant, seconds: u64) -> Vec<(u64, Due)> {
        let mut seen = Vec::new();
        while timers.next() <= start + Duration::from_secs(seconds) {
            let now = timers.next();
            let due = timers.due(now).expect("something is due at the deadline");
            seen.push(((now - start).as_secs(), due));
            if due != Due::Ping {
                break;
            }
        }
        seen
    }

    #[test]
    fn who_does_not_authenticate_is_given_up() {
        let start = Instant::now();
        let mut timers = Timers::new(PATIENCE, start);
        assert_eq!(run(&mut timers, start, 1_000), [(10, Due::NotAuthenticated)]);
    }

    #[test]
    fn an_unanswered_ping_ends_the_connection() {
        let start = Instant::now();
        let mut timers = Timers::new(PATIENCE, start);
        timers.known(None);
        assert_eq!(run(&mut timers, start, 1_000), [(25, Due::Ping), (45, Due::PingTimeout)]);
    }

    #[test]
    fn pinging_again_does_not_start_the_wait_anew() {
        let start = Instant::now();
        let often = Patience { ping_interval: Duration::from_secs(15), ..PATIENCE };
        let mut timers = Timers::new(often, start);
        timers.known(None);
        let pings = [(15, Due::Ping), (30, Due::Ping), (35, Due::PingTimeout)];
        assert_eq!(run(&mut timers, start, 1_000), pings);
    }

    #[test]
    fn anything_heard_answers_a_ping() {
        let start = Instant::now();
        let mut timers = Timers::new(PATIENCE, start);
        timers.known(None);
        assert_eq!(run(&mut timers, start, 30), [(25, Due::Ping)]);
        timers.heard(start + Duration::from_secs(40));
        assert_eq!(run(&mut timers, start, 55), [(50, Due::Ping)]);
        assert!(timers.ponged());
        assert_eq!(run(&mut timers, start, 80), [(75, Due::Ping)]);
    }

    #[test]
    fn who_is_pinged_when_silent_is_not_pinged_while_heard() {
        let start = Instant::now();
        let silent = Patience { pinging: Pinging::WhenSilent, ..PATIENCE };
        let mut timers = Timers::new(silent, start);
        timers.known(None);
        timers.heard(start + Duration::from_secs(20));
        assert_eq!(run(&mut timers, start, 44), []);
        assert_eq!(run(&mut timers, start, 1_000), [(45, Due::Ping), (65, Due::PingTimeout)]);
    }

    #[test]
    fn who_is_pinged_when_silent_answers_with_anything() {
        let start = Instant::now();
        let silent = Patience { pinging: Pinging::WhenSilent, ..PATIENCE };
        let mut timers = Timers::new(silent, start);
        timers.known(None);
        assert_eq!(run(&mut timers, start, 30), [(25, Due::Ping)]);
        timers.heard(start + Duration::from_secs(30));
        assert_eq!(run(&mut timers, start, 1_000), [(55, Due::Ping), (75, Due::PingTimeout)]);
    }

    #[test]
    fn a_session_ends_when_it_expires_and_a_connection_when_its_turn_has_come() {
        let start = Instant::now();
        let mut timers = Timers::new(PATIENCE, start);
        timers.known(Some(start + Duration::from_secs(7)));
        assert_eq!(run(&mut timers, start, 1_000), [(7, Due::Expired)]);
        timers.drain(start + Duration::from_secs(3));
        assert_eq!(run(&mut timers, start, 1_000), [(3, Due::Drained)]);
    }

    #[test]
    fn who_only_answers_pings_is_idle_in_the_end() {
        let start = Instant::now();
        let mut timers = Timers::new(PATIENCE, start);
        timers.known(None);
        for second in [25, 50, 75] {
            assert_eq!(run(&mut timers, start, second), [(second, Due::Ping)]);
            assert!(timers.ponged());
        }
        assert_eq!(run(&mut timers, start, 1_000), [(100, Due::Idle)]);
    }
}
