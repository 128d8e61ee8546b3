//! The response body of one connection: what waits in its outbox, and at the end a closing frame.
//!
//! The HTTP dispatcher asks for chunks until its write buffer is full or nothing waits, and then
//! writes once: frames that wait together leave in one write. What the fan-out pushes mostly leaves
//! past it, by [`super::direct`].

use super::{
    closing::ClosingCode,
    frame,
    stream::Bypass,
    wire::{Goodbye, Wire},
};
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use campanile_core::{
    fanout::{Outbox, Outgoing},
    labels::CloseReason,
};
use campanile_metrics::BatchedCounter;
use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

/// Writes one connection's outbox.
pub(super) struct FanBody {
    outbox: Rc<Outbox>,
    wire: Rc<Wire>,
    closing_code: ClosingCode,
    sent: Rc<BatchedCounter>,
    /// Bytes handed over and not yet counted.
    uncounted: u64,
    closing: bool,
    bypass: Option<Bypass>,
    /// Never polled: when it is dropped, the stream of inbound frames ends.
    _library_body: BoxBody,
}

impl FanBody {
    /// A body over `outbox`; `library_body` is the one that the WebSocket library made.
    pub(super) fn new(
        outbox: Rc<Outbox>,
        (wire, closing_code): (Rc<Wire>, ClosingCode),
        sent: Rc<BatchedCounter>,
        (library_body, bypass): (BoxBody, Option<Bypass>),
    ) -> Self {
        Self {
            outbox,
            wire,
            closing_code,
            sent,
            uncounted: 0,
            closing: false,
            bypass,
            _library_body: library_body,
        }
    }

    fn closing_frame(&self, reason: CloseReason) -> Bytes {
        match self.wire.goodbye() {
            Goodbye::ByReason => frame::close(Some((self.closing_code)(reason))),
            Goodbye::Code(code) => frame::close(Some(code)),
            Goodbye::Bare => frame::close(None),
        }
    }

    fn count(&mut self) {
        let bytes = std::mem::take(&mut self.uncounted);
        if bytes > 0 {
            self.sent.add(bytes);
        }
    }
}

impl MessageBody for FanBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = self.get_mut();
        if let Some(bypass) = &this.bypass {
            bypass.body_is_asked();
        }
        if this.closing {
            this.count();
            ready!(this.wire.poll_dismissed(context));
            return Poll::Ready(None);
        }
        let Poll::Ready(outgoing) = this.outbox.poll_frame(context) else {
            this.count();
            return Poll::Pending;
        };
        let frame = match outgoing {
            Outgoing::Frame(frame) => {
                this.wire.taken(|| this.outbox.bytes());
                frame
            }
            Outgoing::Ended(reason) => {
                this.closing = true;
                this.closing_frame(reason)
            }
        };
        this.uncounted += frame.len() as u64;
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Drop for FanBody {
    fn drop(&mut self) {
        self.count();
        if let Some(bypass) = &self.bypass {
            bypass.body_is_gone();
        }
        self.wire.go();
    }
}
