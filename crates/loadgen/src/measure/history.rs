//! Reading what was said: rooms are filled, and then read from their beginning, page by page, again
//! and again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::course::Course;
use super::field::{Channel, Field};
use super::listener::{Ear, Listener};
use super::speaker;
use super::ticker::Ticker;
use crate::line::Cut;

/// Messages that may wait for their answers while rooms are filled.
const WAITING_MAX: u64 = 256;

/// How often it is looked whether fewer wait.
const LOOK: Duration = Duration::from_millis(1);

/// How much is read by how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Messages in each room.
    pub(super) messages: u32,
    pub(super) readers: u32,
    /// Pages a second, all readers together; without it, as many as are answered.
    pub(super) rate: Option<f64>,
}

/// Fills the rooms of the first group, and reads them for as long as it is measured.
pub(super) async fn measure(course: &mut Course<'_>, reading: Reading) -> Result<()> {
    course.begin("fill");
    fill(course, reading.messages).await?;
    course.begin("connect");
    let field = course.field.clone();
    let mut readers = Vec::new();
    for number in 0..reading.readers as usize {
        let channel = course.channels()[number % course.channels().len()].clone();
        let listener = Listener::open(Ear::new(&field, (number, number))).await;
        let Ok(mut listener) = listener else { bail!("reader {number} cannot connect") };
        field.world.tally.connections.add();
        let entered = listener.enter(&channel).await?;
        entered
            .map_err(|cut| anyhow::anyhow!("reader {number} was cut while entering: {cut:?}"))?;
        readers.push((listener, channel));
    }
    course.rest().await?;
    field.meter.measure_from(field.now());
    course.begin("traffic");
    let mut tasks = JoinSet::new();
    for (turn, (listener, channel)) in readers.into_iter().enumerate() {
        let reader = Reader { field: field.clone(), listener, channel, reading };
        tasks.spawn(reader.read(turn as u32));
    }
    course.finish(&mut tasks).await
}

async fn fill(course: &mut Course<'_>, messages: u32) -> Result<()> {
    let field = course.field.clone();
    let writers = course.publishers().context("a publisher is gone")?;
    for _ in 0..messages {
        for (channel, writer) in course.channels().iter().zip(&writers) {
            speaker::say(&field, writer, channel.streams.start, (channel, field.now()));
        }
        while field.streams.waiting() > WAITING_MAX {
            ensure!(field.world.stop.is_running(), "stopped while rooms were filled");
            sleep(LOOK).await;
        }
    }
    course.crew.until("rooms were filled", |field| field.streams.waiting() == 0).await?;
    let tally = &field.world.tally;
    let (sent, acknowledged) = (tally.sent.get(), tally.acknowledged.get());
    let refused = tally.all_refused();
    ensure!(sent == acknowledged, "of {sent} messages {acknowledged} were taken: {refused:?}");
    Ok(())
}

/// Somebody who reads a room again and again.
struct Reader {
    field: Arc<Field>,
    listener: Listener,
    channel: Channel,
    reading: Reading,
}

impl Reader {
    async fn read(mut self, turn: u32) -> Result<()> {
        let field = self.field.clone();
        let of = self.reading.readers;
        let every = self.reading.rate.map(|rate| Duration::from_secs_f64(f64::from(of) / rate));
        let mut ticker = Ticker::new()?;
        let (began, start) = (Instant::now(), field.now());
        let mut due = every.unwrap_or_default() * turn / of;
        let mut after = 0;
        self.listener.ear.start_over();
        while field.world.stop.is_running() {
            let page_due = match every {
                Some(every) => {
                    speaker::wait(&field, &mut ticker, began + due).await?;
                    let page_due = start + due;
                    due += every;
                    page_due
                }
                None => field.now(),
            };
            match self.listener.page(&self.channel.name, after).await {
                Ok((last, has_more)) => {
                    field.meter.acknowledged(page_due, field.now());
                    after = last;
                    if !has_more {
                        self.listener.ear.close();
                        self.listener.ear.start_over();
                        after = 0;
                    }
                }
                Err(cut) => {
                    self.cut(&cut);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn cut(&self, cut: &Cut) {
        let tally = &self.field.world.tally;
        tally.cuts.add();
        if let Cut::Closed(code) = cut {
            tally.closed(*code);
        }
    }
}
