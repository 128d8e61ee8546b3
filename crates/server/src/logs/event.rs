//! What an event of the log is, and the macro that declares them.

use super::names::Named;
use crate::metrics::ConnectionRejection;
use campanile_core::{
    instrumented::{BusFault, StorageFault},
    labels::{AuthRefusal, CloseReason, Mechanism, Transport},
    name::{RoomName, UserName},
    port::{Limiter, LimiterContext},
};
use std::{error::Error, sync::Arc, time::Duration};
use tracing::{Value, field};

/// One kind of event, as documents and tests need it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// Its name: the field `event`.
    pub name: &'static str,
    /// How grave it is.
    pub level: tracing::Level,
    /// The field `message`.
    pub message: &'static str,
    /// What has happened, in the words of its declaration.
    pub meaning: &'static str,
    /// Fields that are the same in each line, with their values.
    pub constants: &'static [(&'static str, &'static str)],
    /// Its own other fields. Those that every event may have are not named.
    pub fields: &'static [&'static str],
    /// The fields of its key, where strangers can cause it and its lines are bounded.
    pub bounded_by: &'static [&'static str],
    /// The series that counts the same, where one does.
    pub counter: Option<&'static str>,
}

/// Something that a field can hold. It is made into text when a line is written, and not before.
pub(crate) trait Shown {
    fn shown(&self) -> impl Value;
}

/// Declares events: a struct each, whose `emit` writes its line where the level is wanted.
///
/// `LEVEL Struct { fields } = "name": "message" { constants }`, then `[address]` where the client's
/// address belongs into the line, `by (fields)` where lines are bounded for each combination of
/// these, and `counts "series"` where a metric counts the same.
macro_rules! events {
    ($(
        $(#[doc = $meaning:literal])+
        $level:ident $name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty),* $(,)? }
            = $event:literal: $message:literal { $($constant:ident = $value:literal),* $(,)? }
            $([$here:ident])? $(by ($($key:ident),+))? $(counts $counter:literal)?;
    )+) => {
        /// Every kind of event.
        pub const ALL: &[Description] = &[$(
            Description {
                name: $event,
                level: tracing::Level::$level,
                message: $message,
                meaning: concat!($($meaning),+).trim_ascii(),
                constants: &[$((stringify!($constant), $value)),*],
                fields: &[$(stringify!($here),)? $(stringify!($field)),*],
                bounded_by: &[$($(stringify!($key)),+)?],
                counter: $crate::logs::event::events!(@option $($counter)?),
            },
        )+];

        /// Writes what was held back: for somebody to call every second, and at the end.
        pub(crate) fn write_held() {
            $($crate::logs::event::events!(@write_held $name $(($($key),+))?);)+
        }

        $(
            $(#[doc = $meaning])+
            pub(crate) struct $name $(<$life>)? { $(pub(crate) $field: $type),* }

            impl $(<$life>)? $name $(<$life>)? {
                $crate::logs::event::events!(@emit $level $name $event $(($($key),+))?);

                fn write(&self, count: Option<u64>) {
                    tracing::event!(
                        target: concat!("campanile_server::", $event),
                        tracing::Level::$level,
                        event = $event,
                        $($constant = $value,)*
                        $($field = $crate::logs::event::Shown::shown(&self.$field),)*
                        count = count,
                        $($here = $crate::logs::here::$here(),)?
                        user = $crate::logs::here::user(),
                        connection = $crate::logs::here::connection(),
                        trace_id = $crate::logs::here::trace_id(),
                        $message
                    );
                }
            }
        )+
    };

    (@emit $level:ident $name:ident $event:literal) => {
        /// Writes the line, where its level is wanted.
        pub(crate) fn emit(self) {
            self.write(None);
        }
    };
    (@emit $level:ident $name:ident $event:literal ($($key:ident),+)) => {
        /// Writes the line, where its level is wanted and few like it were written in this second.
        pub(crate) fn emit(self) {
            const LEVEL: tracing::Level = tracing::Level::$level;
            if tracing::enabled!(target: concat!("campanile_server::", $event), LEVEL) {
                let (key, now) = ([$(self.$key.values()[0]),+], std::time::Instant::now());
                if let Some((event, count)) = Self::bounded().pass(key, self, now) {
                    event.write(Some(count));
                }
            }
        }

        fn bounded() -> &'static Bounded<Self, { [$(stringify!($key)),+].len() }> {
            static BOUNDED: Bounded<$name, { [$(stringify!($key)),+].len() }> = Bounded::new();
            &BOUNDED
        }
    };

    (@write_held $name:ident) => {};
    (@write_held $name:ident ($($key:ident),+)) => {
        for (event, count) in $name::bounded().take_held() {
            event.write(Some(count));
        }
    };

    (@option) => { None };
    (@option $value:literal) => { Some($value) };
}
pub(super) use events;

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> impl Value {
        self.as_ref().map(|value| value.shown())
    }
}

impl Shown for &UserName {
    fn shown(&self) -> impl Value {
        field::display(Named(*self))
    }
}

impl Shown for &RoomName {
    fn shown(&self) -> impl Value {
        field::display(self)
    }
}

impl Shown for Duration {
    /// As milliseconds, to the microsecond.
    fn shown(&self) -> impl Value {
        self.as_micros() as f64 / 1_000.0
    }
}

impl Shown for &dyn Error {
    fn shown(&self) -> impl Value {
        field::display(self)
    }
}

impl Shown for Arc<dyn Error + Send + Sync> {
    fn shown(&self) -> impl Value {
        field::display(self)
    }
}

macro_rules! shown_as_they_are {
    ($($type:ty),+) => {$(
        impl Shown for $type {
            fn shown(&self) -> impl Value {
                *self
            }
        }
    )+};
}
shown_as_they_are!(&str, u64, bool, f64);

macro_rules! shown_as_labels {
    ($($type:ty),+) => {$(
        impl Shown for $type {
            fn shown(&self) -> impl Value {
                self.values()[0]
            }
        }
    )+};
}
shown_as_labels!(
    AuthRefusal,
    BusFault,
    CloseReason,
    ConnectionRejection,
    Limiter,
    LimiterContext,
    Mechanism,
    StorageFault,
    Transport
);
