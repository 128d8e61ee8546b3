//! Watchers: operators who look at the numbers, and go on looking while the store is away.
//!
//! Who asks is in the store, and just when it is away its operators have to see something. Whoever
//! was looking when it went away may go on; nobody else comes in, and nothing but looking is let
//! through.

use crate::limits::WATCHERS_REMEMBERED_MAX;
use campanile_core::{
    time::{Moment, Timestamp},
    user::{Session, TokenHash},
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Who was let in by the store so long ago, or less, is looking. The console asks each second.
const LOOKING: Duration = Duration::from_secs(15);

/// For so long they may go on without the store.
const WITHOUT_STORE: Duration = Duration::from_secs(60 * 60);

/// The operators who are looking.
#[derive(Debug, Default)]
pub struct Watchers(Mutex<Looking>);

#[derive(Debug, Default)]
struct Looking {
    /// When their sessions end by themselves, and when the store last knew them.
    known: HashMap<TokenHash, (Timestamp, Moment)>,
    /// Since when the store has not answered.
    away_since: Option<Moment>,
}

impl Watchers {
    /// The store knows an operator's session.
    pub(super) fn known(&self, session: &Session, now: Moment) {
        let mut looking = self.looking();
        looking.away_since = None;
        looking.known.retain(|_, (_, known)| now.since(*known) <= LOOKING);
        if looking.known.len() < WATCHERS_REMEMBERED_MAX {
            looking.known.insert(session.token, (session.expires_at, now));
        }
    }

    /// The store does not know a session, or not as an operator's.
    pub(super) fn refused(&self, token: TokenHash) {
        let mut looking = self.looking();
        looking.away_since = None;
        looking.known.remove(&token);
    }

    /// The store does not answer: whether it is an operator who was looking when it went away.
    pub(super) fn go_on(&self, token: TokenHash, (now, time): (Moment, Timestamp)) -> bool {
        let mut looking = self.looking();
        let away_since = *looking.away_since.get_or_insert(now);
        let Some((expires_at, known)) = looking.known.get(&token) else { return false };
        let was_looking = away_since.since(*known) <= LOOKING;
        was_looking && now.since(*known) <= WITHOUT_STORE && *expires_at > time
    }

    fn looking(&self) -> MutexGuard<'_, Looking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::name::UserName;

    const TOKEN: TokenHash = TokenHash([7; 32]);

    fn session() -> Session {
        let user = UserName::parse("ada").expect("a name");
        Session { user, token: TOKEN, operator: true, expires_at: Timestamp(100_000_000) }
    }

    fn moment(seconds: u64) -> Moment {
        Moment(seconds * 1_000_000_000)
    }

    fn goes_on(watchers: &Watchers, seconds: u64) -> bool {
        watchers.go_on(TOKEN, (moment(seconds), Timestamp(seconds as i64 * 1_000)))
    }

    #[test]
    fn who_was_looking_goes_on_for_an_hour() {
        let watchers = Watchers::default();
        assert!(!goes_on(&watchers, 100), "nobody was looking");
        watchers.known(&session(), moment(100));
        assert!(goes_on(&watchers, 101));
        assert!(goes_on(&watchers, 3_600));
        assert!(!goes_on(&watchers, 3_800));
    }

    #[test]
    fn who_was_not_looking_when_the_store_went_away_does_not_come_in() {
        let watchers = Watchers::default();
        watchers.known(&session(), moment(100));
        assert!(!goes_on(&watchers, 130));
        watchers.known(&session(), moment(140));
        assert!(goes_on(&watchers, 141), "the store was there in between");
    }

    #[test]
    fn who_is_refused_or_out_of_time_does_not_go_on() {
        let watchers = Watchers::default();
        watchers.known(&session(), moment(100));
        watchers.refused(TOKEN);
        assert!(!goes_on(&watchers, 101));
        let short = Session { expires_at: Timestamp(103_000), ..session() };
        watchers.known(&short, moment(102));
        assert!(goes_on(&watchers, 102));
        assert!(!goes_on(&watchers, 103));
    }
}
