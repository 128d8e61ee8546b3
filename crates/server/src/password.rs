//! Passwords: hashed and checked on few threads, with a short queue, so that nobody can keep the
//! machine busy by logging in.

use crate::limits::{PASSWORDS_AT_ONCE, PASSWORDS_WAITING_MAX};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash as Phc},
};
use campanile_core::user::PasswordHash;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::{sync::Semaphore, task};

/// Memory, passes and lanes of argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Fewest and most characters of a password.
pub const CHARACTERS: std::ops::RangeInclusive<usize> = 8..=256;

/// Hashes and checks passwords.
pub struct Passwords {
    turns: Semaphore,
    waiting: AtomicUsize,
    /// A hash of nothing anybody knows: checked for users who are not there, so that it takes as
    /// long as for those who are.
    nobody: PasswordHash,
}

/// Why a password was not looked at.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many passwords are being checked")]
    Busy,
    /// It is too short or too long.
    #[error("a password has {} to {} characters", CHARACTERS.start(), CHARACTERS.end())]
    Length,
}

/// What checking gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is another password.
    Wrong,
    /// It is the one.
    Right {
        /// The same password hashed as it would be today, if that is stronger.
        stronger: Option<PasswordHash>,
    },
}

impl Passwords {
    /// Makes ready; takes as long as hashing one password.
    pub fn new() -> Self {
        Self {
            turns: Semaphore::new(PASSWORDS_AT_ONCE),
            waiting: AtomicUsize::new(0),
            nobody: hash(&crate::token::new()),
        }
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, PasswordError> {
        check_length(&password)?;
        self.in_turn(move || hash(&password)).await
    }

    /// Whether this is the password behind the hash; `None` for a user who is not there, which is
    /// wrong after the same time.
    pub async fn check(
        &self,
        password: String,
        known: Option<PasswordHash>,
    ) -> Result<Checked, PasswordError> {
        let is_known = known.is_some();
        let hashed = known.unwrap_or_else(|| self.nobody.clone());
        let checked = self.in_turn(move || verify(&password, &hashed)).await?;
        Ok(if is_known { checked } else { Checked::Wrong })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => self.wait().await?,
        };
        let done = task::spawn_blocking(work).await;
        drop(turn);
        Ok(done.expect("hashing does not panic"))
    }

    async fn wait(&self) -> Result<tokio::sync::SemaphorePermit<'_>, PasswordError> {
        let waiting = Waiting::begin(&self.waiting).ok_or(PasswordError::Busy)?;
        let turn = self.turns.acquire().await;
        drop(waiting);
        Ok(turn.expect("the semaphore is never closed"))
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// One who waits; gives the place back also when it goes away meanwhile.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        (before < PASSWORDS_WAITING_MAX).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a password may be one.
pub fn check_length(password: &str) -> Result<(), PasswordError> {
    if CHARACTERS.contains(&password.chars().count()) { Ok(()) } else { Err(PasswordError::Length) }
}

/// The hash of a password, at once and on this thread: for programs that hash one.
pub fn hash(password: &str) -> PasswordHash {
    let hashed = argon2().hash_password(password.as_bytes());
    PasswordHash(hashed.expect("the parameters are fine and a salt is random").to_string())
}

fn verify(password: &str, known: &PasswordHash) -> Checked {
    let Ok(phc) = Phc::new(&known.0) else { return Checked::Wrong };
    if argon2().verify_password(password.as_bytes(), &phc).is_err() {
        return Checked::Wrong;
    }
    Checked::Right { stronger: is_weaker(&phc).then(|| hash(password)) }
}

fn is_weaker(phc: &Phc) -> bool {
    let is_other = phc.algorithm.as_str() != "argon2id";
    let raised = Params::try_from(phc).map_or(true, |params| {
        params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES || params.p_cost() < LANES
    });
    is_other || raised
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are fine");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_only() {
        let passwords = Passwords::new();
        let hashed = passwords.hash("correct horse".into()).await.expect("hashed");
        assert!(hashed.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hashed.0);
        let right = passwords.check("correct horse".into(), Some(hashed.clone())).await;
        assert_eq!(right.expect("checked"), Checked::Right { stronger: None });
        let wrong = passwords.check("battery staple".into(), Some(hashed)).await;
        assert_eq!(wrong.expect("checked"), Checked::Wrong);
        let nobody = passwords.check("correct horse".into(), None).await;
        assert_eq!(nobody.expect("checked"), Checked::Wrong);
    }

    #[tokio::test]
    async fn a_weaker_hash_is_made_again() {
        let params = Params::new(8, 1, 1, None).expect("fine");
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hashed = weak.hash_password(b"correct horse").expect("hashed").to_string();
        let passwords = Passwords::new();
        let checked = passwords.check("correct horse".into(), Some(PasswordHash(hashed)));
        let Checked::Right { stronger: Some(stronger) } = checked.await.expect("checked") else {
            panic!("it is right, and weak");
        };
        assert!(stronger.0.contains("m=19456"), "{}", stronger.0);
    }

    #[tokio::test]
    async fn lengths_have_bounds() {
        let passwords = Passwords::new();
        for bad in ["short".to_owned(), "x".repeat(257)] {
            let refused = passwords.hash(bad).await;
            assert!(matches!(refused, Err(PasswordError::Length)));
        }
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_sent_away() {
        let passwords = Passwords::new();
        let turns = passwords.turns.acquire_many(2).await.expect("open");
        let mut waiting: Vec<_> = (0..PASSWORDS_WAITING_MAX)
            .map(|_| Box::pin(passwords.check("x".into(), None)))
            .collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        let refused = passwords.check("x".into(), None).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        waiting.pop();
        let mut next = Box::pin(passwords.check("x".into(), None));
        assert!(futures_util::poll!(&mut next).is_pending(), "a place has become free");
        // Turns are given in order, also to who does not take them.
        drop(waiting);
        drop(turns);
        next.await.expect("checked");
    }
}
