//! Turns of several kinds that alternate, under messages at a steady rate, and how late deliveries
//! were in each.
//!
//! Messages are sent whether or not the server keeps up, and each tells when it was due. Each round
//! has one turn of every kind and begins with another one, so that what else the machine does hits
//! all of them.

use crate::{
    crowd::{Crowd, Scene},
    statistics::{millis, quartiles},
};
use anyhow::Result;
use std::time::Duration;

/// How many turns there are, how long they last, and what is said in them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How people are spread.
    #[arg(long, default_value = "fanout")]
    pub(crate) scene: Scene,
    /// Listeners, of all rooms.
    #[arg(long, default_value_t = 200)]
    pub(crate) listeners: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    pub(crate) per_second: u32,
    /// Rounds, each of one turn of every kind.
    #[arg(long, default_value_t = 10)]
    pub(crate) rounds: usize,
    /// Seconds of one turn.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    pub(crate) body_bytes: usize,
}

/// One kind of turn, and how late deliveries were in each: in the middle, and the last in a hundred.
pub(crate) struct Kind {
    name: &'static str,
    middles: Vec<f64>,
    tails: Vec<f64>,
}

impl Arguments {
    /// Whose turn it is, of so many kinds: places, and whether the turn counts. The first round
    /// warms up.
    pub(crate) fn order(&self, kinds: usize) -> impl Iterator<Item = (usize, bool)> + use<> {
        let places = move |round| (0..kinds).map(move |place| ((round + place) % kinds, round > 0));
        (0..=self.rounds).flat_map(places)
    }

    /// How late each delivery of one turn was.
    pub(crate) async fn turn(&self, crowd: &mut Crowd) -> Result<Vec<Duration>> {
        let time = Duration::from_secs(self.seconds);
        crowd.keep_pace(self.body_bytes, self.per_second, time).await
    }
}

impl Kind {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, middles: Vec::new(), tails: Vec::new() }
    }

    /// A turn of this kind has ended.
    pub(crate) fn add(&mut self, latenesses: &[Duration]) {
        self.middles.push(millis(latenesses, 0.5));
        self.tails.push(millis(latenesses, 0.99));
    }
}

/// Tells of each kind, and how it compares with the first, turn by turn.
#[expect(clippy::print_stdout, reason = "it is a program that reports")]
pub(crate) fn report(kinds: &[Kind]) {
    for kind in kinds {
        println!("{}: p50 in ms: {}", kind.name, quartiles(&kind.middles));
        println!("{}: p99 in ms: {}", kind.name, quartiles(&kind.tails));
    }
    let Some((first, others)) = kinds.split_first() else { return };
    for kind in others {
        let of = |ours: &[f64], quiet: &[f64]| -> String {
            quartiles(&ours.iter().zip(quiet).map(|(ours, quiet)| ours / quiet).collect::<Vec<_>>())
        };
        let to = format!("{} to {}", kind.name, first.name);
        println!("{to}: p50 {}", of(&kind.middles, &first.middles));
        println!("{to}: p99 {}", of(&kind.tails, &first.tails));
    }
}
