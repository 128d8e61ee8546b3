//! The ledger: every reader and every room of a run, and what was wrong between them.

use std::collections::HashMap;
use std::sync::Mutex;

use campanile_protocol::{Epoch, HistoryPage, JoinedRoom, Message, SentMessage, Since};

use super::book::Book;
use super::fault::{Fault, Faults};
use super::reader::{Reader, Way};

/// Who speaks and who hears, checked against each other. All clients of a run share it.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Inner>);

/// A client that listens to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderId(usize);

#[derive(Debug, Default)]
struct Inner {
    readers: Vec<Reader>,
    books: HashMap<String, Book>,
    faults: Faults,
}

impl Ledger {
    /// A new reader, who has heard nothing yet.
    pub fn reader(&self, who: &str, room: &str) -> ReaderId {
        let mut inner = self.inner();
        inner.readers.push(Reader::new(who, room));
        ReaderId(inner.readers.len() - 1)
    }

    /// From where a reader goes on.
    pub fn since(&self, reader: ReaderId) -> Option<Since> {
        self.inner().readers[reader.0].place
    }

    /// A message was said and acknowledged.
    pub fn acknowledged(&self, room: &str, key: &str, sent: &SentMessage) {
        let epoch = sent.message_id.split('-').next().and_then(|epoch| epoch.parse().ok());
        let mut inner = self.inner();
        let Inner { books, faults, .. } = &mut *inner;
        let book = books.entry(room.to_owned()).or_default();
        if let Some(epoch) = epoch {
            book.turn_to(epoch);
        }
        book.acknowledged = book.acknowledged.max(sent.seq);
        book.note(room, sent.seq, key, faults);
    }

    /// A reader entered the room; how many missed messages it was told.
    pub fn joined(&self, reader: ReaderId, room: &JoinedRoom) -> u64 {
        let mut inner = self.inner();
        let heard = room.messages.iter().filter(|said| inner.hear(reader, said, Way::Resumed));
        let recovered = heard.count() as u64;
        if room.truncated {
            inner.readers[reader.0].resync();
        }
        inner.positioned(reader, room.epoch, room.last_seq);
        recovered
    }

    /// A reader was told where the room is.
    pub fn positioned(&self, reader: ReaderId, epoch: Epoch, seq: u64) {
        self.inner().positioned(reader, epoch, seq);
    }

    /// A message came as it was said; whether it was new.
    pub fn heard(&self, reader: ReaderId, message: &Message) -> bool {
        self.inner().hear(reader, message, Way::Live)
    }

    /// The server said that a reader cannot rely on what it hears.
    pub fn resync(&self, reader: ReaderId) {
        self.inner().readers[reader.0].resync();
    }

    /// After which message a reader has to read the history, if it has to.
    pub fn owed_after(&self, reader: ReaderId) -> Option<u64> {
        self.inner().readers[reader.0].owed_after()
    }

    /// A page of the history behind a message, asked for because something was owed; how many
    /// messages in it were new.
    pub fn read(&self, reader: ReaderId, page: &HistoryPage) -> u64 {
        let mut inner = self.inner();
        let heard = page.messages.iter().filter(|said| inner.hear(reader, said, Way::Read));
        let recovered = heard.count() as u64;
        let last = page.messages.last().map_or(0, |message| message.seq);
        let read_to = if page.has_more { last } else { u64::MAX - 1 };
        let Inner { readers, faults, .. } = &mut *inner;
        readers[reader.0].read_to(read_to, faults);
        recovered
    }

    /// A reader has left the room, and hears nothing of it until it is there again.
    pub fn left(&self, reader: ReaderId) {
        self.inner().readers[reader.0].listening = false;
    }

    /// How many deliveries of acknowledged messages have not happened yet.
    pub fn outstanding(&self) -> u64 {
        let inner = self.inner();
        inner.readers.iter().map(|reader| reader.lacks(inner.acknowledged(reader))).sum()
    }

    /// What is wrong, as far as can be said now.
    pub fn faults(&self) -> Faults {
        self.inner().faults.clone()
    }

    /// What was wrong when all is over: what has not arrived by now is lost.
    pub fn close(&self) -> Faults {
        let inner = self.inner();
        let mut faults = inner.faults.clone();
        for reader in &inner.readers {
            reader.close(inner.acknowledged(reader), &mut faults);
        }
        faults
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("nobody panics while writing the ledger")
    }
}

impl Inner {
    fn hear(&mut self, reader: ReaderId, message: &Message, way: Way) -> bool {
        let Self { readers, books, faults } = self;
        let reader = &mut readers[reader.0];
        if let Some(key) = &message.key {
            let book = books.entry(message.room.clone()).or_default();
            // A reader may still be told of a history that is gone.
            if reader.place.is_some_and(|place| book.is_of(place.epoch)) {
                book.note(&message.room, message.seq, key, faults);
            }
        }
        reader.hear(message.seq, way, faults)
    }

    fn positioned(&mut self, reader: ReaderId, epoch: Epoch, seq: u64) {
        let Self { readers, books, faults } = self;
        let reader = &mut readers[reader.0];
        let book = books.entry(reader.room.clone()).or_default();
        if let Some(before) = reader.place.filter(|place| place.epoch != epoch) {
            let gone = reader.lacks(book.acknowledged).max(1);
            faults.add(Fault::Lost, gone, || {
                let Reader { who, room, .. } = &*reader;
                format!("the history of {room} began anew; {who} had heard {} of it", before.seq)
            });
        }
        book.turn_to(epoch);
        reader.positioned(epoch, seq);
    }

    /// The last acknowledged message of the history that a reader hears.
    fn acknowledged(&self, reader: &Reader) -> u64 {
        let book = self.books.get(&reader.room);
        let same = book.filter(|book| reader.place.is_some_and(|place| book.is_of(place.epoch)));
        same.map_or(0, |book| book.acknowledged)
    }
}

#[cfg(test)]
mod tests;
