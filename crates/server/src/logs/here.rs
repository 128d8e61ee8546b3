//! What is being done here: for whom, over which connection, in which trace. Lines that are written
//! meanwhile tell it without being told.

use super::{names::Named, trace};
use campanile_core::{name::UserName, port::ConnectionId};
use campanile_metrics::TraceId;
use std::{
    cell::{Cell, RefCell},
    fmt,
    net::IpAddr,
    rc::Rc,
};
use tokio::task_local;
use tracing::{Value, field};

task_local! {
    static HERE: Rc<Here>;
}

/// What one request or one connection is about. Nothing of it is formatted before there is a line.
pub(crate) struct Here {
    trace: Cell<TraceId>,
    address: IpAddr,
    connection: Cell<Option<ConnectionId>>,
    user: RefCell<Option<UserName>>,
}

/// A connection as it is shown: 16 hexadecimal digits.
struct Connection(ConnectionId);

impl Here {
    /// A request from this address, in a trace that its client may have begun.
    pub(crate) fn new(traceparent: Option<&str>, address: IpAddr) -> Rc<Self> {
        let trace = traceparent.and_then(trace::of_traceparent).unwrap_or_else(trace::random);
        let (connection, user) = (Cell::default(), RefCell::default());
        Rc::new(Self { trace: Cell::new(trace), address, connection, user })
    }

    /// Does something as a part of this.
    pub(crate) fn within<T>(self: Rc<Self>, work: impl FnOnce() -> T) -> T {
        HERE.sync_scope(self, work)
    }

    /// The same with a future.
    pub(crate) async fn during<T>(self: Rc<Self>, work: impl Future<Output = T>) -> T {
        HERE.scope(self, work).await
    }
}

/// What is being done, to go on with it in another task.
pub(crate) fn now() -> Option<Rc<Here>> {
    HERE.try_with(Rc::clone).ok()
}

/// Goes on in another task with what is being done.
pub(crate) fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let here = now();
    async {
        match here {
            Some(here) => here.during(work).await,
            None => work.await,
        }
    }
}

/// It is done for this user.
pub(crate) fn is_for(user: &UserName) {
    let _nowhere = HERE.try_with(|here| here.user.replace(Some(user.clone())));
}

/// It became a connection.
pub(crate) fn is_over(connection: ConnectionId) {
    let _nowhere = HERE.try_with(|here| here.connection.set(Some(connection)));
}

/// Another message came over the connection: it is a trace of its own.
pub(crate) fn begin_message() {
    let _nowhere = HERE.try_with(|here| here.trace.set(trace::random()));
}

/// The trace of what is being done.
pub(crate) fn trace() -> Option<TraceId> {
    HERE.try_with(|here| here.trace.get()).ok()
}

/// For whom.
pub(super) fn user() -> Option<impl Value> {
    let user = HERE.try_with(|here| here.user.borrow().clone()).ok().flatten();
    user.map(|user| field::display(Named(user)))
}

/// Over which connection.
pub(super) fn connection() -> Option<impl Value> {
    let connection = HERE.try_with(|here| here.connection.get()).ok().flatten();
    connection.map(|connection| field::display(Connection(connection)))
}

/// In which trace.
pub(super) fn trace_id() -> Option<impl Value> {
    trace().map(field::display)
}

/// From where.
pub(super) fn address() -> Option<impl Value> {
    HERE.try_with(|here| field::display(Named(here.address))).ok()
}

impl fmt::Display for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0.0)
    }
}
