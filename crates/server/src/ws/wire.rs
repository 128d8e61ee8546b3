//! What the reader and the writer of one connection tell each other, on one worker thread.

use std::{
    cell::Cell,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

/// The agreement between a connection's session, which reads, and its body, which writes.
///
/// The body writes what is in the outbox. Once that has ended it says goodbye with a closing frame
/// and waits to be dismissed, so that the session decides how long the peer may take to answer.
#[derive(Default)]
pub(crate) struct Wire {
    goodbye: Cell<Goodbye>,
    dismissed: Cell<bool>,
    progress: Cell<Progress>,
    /// Bytes in the outbox that the reader waits to see the queue fall below; 0: it does not wait.
    wanted_below: Cell<usize>,
    writer: Cell<Option<Waker>>,
    reader: Cell<Option<Waker>>,
}

/// The code of the closing frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// As the reason for the end demands.
    #[default]
    ByReason,
    /// This one.
    Code(u16),
    /// None, as the peer gave none.
    Bare,
}

/// How far the writer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Writing,
    /// Everything was written, the closing frame too.
    SaidGoodbye,
    /// There is no writer any more: the network connection is gone.
    Gone,
}

impl Wire {
    /// Session: the closing frame's code is not what the reason would make it.
    pub(crate) fn set_goodbye(&self, goodbye: Goodbye) {
        self.goodbye.set(goodbye);
    }

    /// Session: waits until the closing frame was written, or the writer has gone.
    pub(crate) async fn said_goodbye(&self) {
        poll_fn(|context| match self.progress.get() {
            Progress::Writing => {
                self.reader.set(Some(context.waker().clone()));
                Poll::Pending
            }
            Progress::SaidGoodbye | Progress::Gone => Poll::Ready(()),
        })
        .await;
    }

    /// Session: waits while `bytes` says that so many or more wait in the outbox.
    pub(crate) async fn below(&self, limit: usize, bytes: impl Fn() -> usize) {
        poll_fn(|context| {
            if bytes() < limit || self.progress.get() == Progress::Gone {
                self.wanted_below.set(0);
                return Poll::Ready(());
            }
            self.wanted_below.set(limit);
            self.reader.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Session: nothing holds the network connection any more.
    pub(crate) fn dismiss(&self) {
        self.dismissed.set(true);
        wake(&self.writer);
    }

    /// Body: the code to close with.
    pub(crate) fn goodbye(&self) -> Goodbye {
        self.goodbye.get()
    }

    /// Body: the closing frame was handed over. Ready once the session dismisses it.
    pub(crate) fn poll_dismissed(&self, context: &Context<'_>) -> Poll<()> {
        if self.progress.replace(Progress::SaidGoodbye) == Progress::Writing {
            wake(&self.reader);
        }
        if self.dismissed.get() {
            return Poll::Ready(());
        }
        self.writer.set(Some(context.waker().clone()));
        Poll::Pending
    }

    /// Body: a frame was taken out of the outbox, in which `bytes` says how many are left.
    pub(crate) fn taken(&self, bytes: impl FnOnce() -> usize) {
        let wanted_below = self.wanted_below.get();
        if wanted_below > 0 && bytes() < wanted_below {
            wake(&self.reader);
        }
    }

    /// Session: waits until the writer has gone.
    pub(crate) async fn gone(&self) {
        poll_fn(|context| {
            if self.progress.get() == Progress::Gone {
                return Poll::Ready(());
            }
            self.reader.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Body: it is dropped.
    pub(crate) fn go(&self) {
        self.progress.set(Progress::Gone);
        wake(&self.reader);
    }
}

fn wake(waker: &Cell<Option<Waker>>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
