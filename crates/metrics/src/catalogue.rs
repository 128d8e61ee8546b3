//! The declaration of metrics: one place for name, kind, unit, labels, buckets and help.

/// Declares the metrics of one part of a program as a struct of typed handles.
///
/// Each line is `kind field(labels…) = "name" [Unit] buckets …;`. Kinds are `counter`,
/// `fractional_counter`, `gauge`, `histogram` and `info`. Its doc comment is the help text.
/// The struct gets `register(&Registry) -> Self`, which makes every series at 0, and
/// `DESCRIPTIONS`. A declaration that breaks one of the [rules](crate::rules) does not build.
///
/// ```
/// use campanile_metrics::{buckets, catalogue, labels, testing::Recording};
/// labels! {
///     /// Kinds of room.
///     pub enum RoomKind("kind") { Public = "public", Private = "private" }
/// }
/// labels! {
///     /// Why a join was refused.
///     pub enum JoinRefusal("reason") { NotMember = "not_member", Full = "full" }
/// }
/// catalogue! {
///     /// What rooms do.
///     pub struct RoomMetrics {
///         /// Joins refused.
///         counter join_failures(RoomKind, JoinRefusal) = "chat_room_join_failures_total";
///         /// Time to answer one archive page.
///         histogram archive_query() = "chat_archive_query_duration_seconds" [Seconds]
///             buckets buckets::LATENCY;
///         /// Bytes kept in the archive.
///         gauge archive_stored() = "chat_archive_stored_bytes" [Bytes];
///     }
/// }
/// let recording = Recording::new();
/// let rooms = RoomMetrics::register(recording.registry());
/// rooms.join_failures.increment(RoomKind::Private, JoinRefusal::Full);
/// rooms.join_failures.add(3, RoomKind::Public, JoinRefusal::Full);
/// rooms.archive_query.observe(0.012);
/// rooms.archive_stored.set(4_096);
///
/// let hot = rooms.join_failures.handle(RoomKind::Public, JoinRefusal::Full);
/// hot.increment();
/// let labels = [("kind", "public"), ("reason", "full")];
/// assert_eq!(recording.probe().value("chat_room_join_failures_total", &labels), Some(4.0));
/// ```
#[macro_export]
macro_rules! catalogue {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $help:literal])+
                $kind:ident $field:ident($($label:tt)*) = $metric:literal
                    $([$unit:ident])? $(buckets $buckets:expr)?;
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(
                $(#[doc = $help])+
                $vis $field: $crate::catalogue!(@handle $kind ($($label)*)),
            )+
        }

        impl $name {
            /// What is declared here.
            $vis const DESCRIPTIONS: &'static [$crate::Description] = &[$(
                $crate::Description {
                    name: $metric,
                    kind: $crate::catalogue!(@kind $kind),
                    unit: $crate::catalogue!(@unit $($unit)?),
                    help: concat!($($help),+).trim_ascii(),
                    labels: $crate::catalogue!(@labels $kind ($($label)*)),
                    combinations: $crate::catalogue!(@combinations $kind ($($label)*)),
                    buckets: $crate::catalogue!(@buckets $($buckets)?),
                },
            )+];

            /// Makes every series, at 0.
            ///
            /// # Panics
            ///
            /// When another catalogue of this registry has declared one of these families
            /// differently, which [`rules::check`]($crate::rules::check) finds beforehand.
            $vis fn register(registry: &$crate::Registry) -> Self {
                registry.declare(Self::DESCRIPTIONS);
                let mut descriptions = Self::DESCRIPTIONS.iter();
                Self {
                    $($field: <$crate::catalogue!(@handle $kind ($($label)*))>::register(
                        registry,
                        descriptions.next().expect("there is one description for each field"),
                    ),)+
                }
            }
        }

        const _: () = $crate::rules::enforce($name::DESCRIPTIONS);
    };

    (@handle counter ($($label:ty),* $(,)?)) => { $crate::Counter<($($label,)*)> };
    (@handle fractional_counter ($($label:ty),* $(,)?)) => { $crate::FractionalCounter<($($label,)*)> };
    (@handle gauge ($($label:ty),* $(,)?)) => { $crate::Gauge<($($label,)*)> };
    (@handle histogram ($($label:ty),* $(,)?)) => { $crate::Histogram<($($label,)*)> };
    (@handle info ($($key:ident),+ $(,)?)) => { $crate::Info<{ [$(stringify!($key)),+].len() }> };

    (@kind counter) => { $crate::Kind::Counter };
    (@kind fractional_counter) => { $crate::Kind::FractionalCounter };
    (@kind gauge) => { $crate::Kind::Gauge };
    (@kind histogram) => { $crate::Kind::Histogram };
    (@kind info) => { $crate::Kind::Info };

    (@unit) => { None };
    (@unit $unit:ident) => { Some($crate::Unit::$unit) };

    (@labels info ($($key:ident),+ $(,)?)) => { $crate::LabelList::named(&[$(stringify!($key)),+]) };
    (@labels $kind:ident ($($label:ty),* $(,)?)) => { <($($label,)*) as $crate::LabelSet>::LABELS };

    (@combinations info ($($key:ident),+ $(,)?)) => { 1 };
    (@combinations $kind:ident ($($label:ty),* $(,)?)) => { <($($label,)*) as $crate::LabelSet>::BOUND };

    (@buckets) => { &[] };
    (@buckets $buckets:expr) => { $buckets };
}
