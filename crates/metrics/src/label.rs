//! Labels with closed sets of values, so that the number of series is known beforehand.

use std::{any::TypeId, collections::BTreeMap};

use crate::description::LabelList;

/// The value that stands for every value outside a configured set.
pub const OVERFLOW: &str = "_other";

/// A closed set of label values; made with [`labels!`](crate::labels).
pub trait Label: Copy + Send + Sync + 'static {
    /// The label's name and values; more than one when values only exist together.
    const LABELS: LabelList;
    /// How many values there can be.
    const BOUND: usize;

    /// Its place in the set.
    fn index(self) -> usize;

    /// What the series at one place is labelled with.
    fn cell(index: usize, values: &LabelValues) -> Cell;
}

/// A label whose values come from configuration. What was not configured becomes
/// [`OVERFLOW`], and every observation under that value is counted.
pub trait ConfiguredLabel: Label {
    /// The label's name.
    const KEY: &'static str;

    /// The value at one place; place 0 is the overflow.
    fn at(index: u16) -> Self;
}

/// A complete set of labels: a tuple of [`Label`]s.
pub trait LabelSet: Copy + Send + Sync + 'static {
    /// All labels, in order.
    const LABELS: LabelList;
    /// How many combinations there can be.
    const BOUND: usize;

    /// The place of this combination.
    fn index(self) -> usize;

    /// What the series at one place is labelled with.
    fn cell(index: usize, values: &LabelValues) -> Cell;
}

/// What one series is labelled with.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Label names and values.
    pub labels: Vec<metrics::Label>,
    /// The place this one shares its series with; itself, unless its value is not configured.
    pub home: usize,
    /// True when one of the values is [`OVERFLOW`].
    pub overflow: bool,
}

impl Cell {
    /// A series whose label values were known when the program was built.
    pub fn known(index: usize, keys: &[&'static str], values: &[&'static str]) -> Self {
        let pairs = keys.iter().zip(values);
        let labels = pairs.map(|(key, value)| metrics::Label::new(*key, *value));
        Self { labels: labels.collect(), home: index, overflow: false }
    }
}

/// The values that configuration gave, by label. Labels of one name may have different ones.
#[derive(Clone, Debug, Default)]
pub struct LabelValues {
    // Without the overflow, which is at place 0 of every configured label.
    configured: BTreeMap<TypeId, Vec<String>>,
}

impl LabelValues {
    /// Adds a value to a label, and says whether it was: what is beyond its bound will be the
    /// overflow.
    pub(crate) fn add<L: ConfiguredLabel>(&mut self, value: &str) -> bool {
        let values = self.configured.entry(TypeId::of::<L>()).or_default();
        let room = values.len() + 1 < L::BOUND;
        let is_new = room && value != OVERFLOW && !values.iter().any(|known| known == value);
        if is_new {
            values.push(value.to_owned());
        }
        is_new
    }

    /// The label for a value, the overflow if it is not configured.
    pub(crate) fn find<L: ConfiguredLabel>(&self, value: &str) -> L {
        let place = self.values::<L>().iter().position(|known| known == value);
        L::at(place.map_or(0, |place| place as u16 + 1))
    }

    /// The cell of one place of a configured label.
    pub fn cell<L: ConfiguredLabel>(&self, index: usize) -> Cell {
        let value = index.checked_sub(1).and_then(|place| self.values::<L>().get(place));
        let label = |value: String| vec![metrics::Label::new(L::KEY, value)];
        match value {
            Some(value) => Cell { labels: label(value.clone()), home: index, overflow: false },
            None => Cell { labels: label(OVERFLOW.to_owned()), home: 0, overflow: true },
        }
    }

    fn values<L: ConfiguredLabel>(&self) -> &[String] {
        self.configured.get(&TypeId::of::<L>()).map_or(&[], Vec::as_slice)
    }
}

impl LabelSet for () {
    const LABELS: LabelList = LabelList::EMPTY;
    const BOUND: usize = 1;

    fn index(self) -> usize {
        0
    }

    fn cell(_index: usize, _values: &LabelValues) -> Cell {
        Cell::default()
    }
}

macro_rules! label_set {
    ($($name:ident $field:tt),+) => {
        impl<$($name: Label),+> LabelSet for ($($name,)+) {
            const LABELS: LabelList = LabelList::EMPTY$(.and($name::LABELS))+;
            const BOUND: usize = 1 $(* $name::BOUND)+;

            #[inline]
            fn index(self) -> usize {
                let mut index = 0;
                $(index = index * $name::BOUND + self.$field.index();)+
                index
            }

            fn cell(index: usize, values: &LabelValues) -> Cell {
                let mut cell = Cell::default();
                let mut stride = Self::BOUND;
                $(
                    stride /= $name::BOUND;
                    let part = $name::cell(index / stride % $name::BOUND, values);
                    cell.home += part.home * stride;
                    cell.overflow |= part.overflow;
                    cell.labels.extend(part.labels);
                )+
                cell
            }
        }
    };
}

label_set!(A 0);
label_set!(A 0, B 1);
label_set!(A 0, B 1, C 2);
label_set!(A 0, B 1, C 2, D 3);

/// Declares labels: closed sets of values.
///
/// An enum for values known beforehand. With several keys, each variant is a combination
/// that exists, and no others do. A struct for values that configuration gives, with their
/// greatest number, the overflow `_other` included.
///
/// ```
/// campanile_metrics::labels! {
///     /// Why a join was refused.
///     pub enum JoinRefusal("reason") { NotMember = "not_member", Full = "full" }
/// }
/// campanile_metrics::labels! {
///     /// What the router answers.
///     pub enum Endpoint("method", "route") {
///         ListRooms = "GET" "/api/v1/rooms",
///         MakeRoom = "POST" "/api/v1/rooms",
///     }
/// }
/// campanile_metrics::labels! {
///     /// A configured application.
///     pub struct App("app", max 64);
/// }
/// assert_eq!(JoinRefusal::Full.values(), ["full"]);
/// assert_eq!(Endpoint::ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! labels {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident($($key:literal),+ $(,)?) {
            $($(#[$note:meta])* $variant:ident = $($value:literal)+),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name {
            $(
                #[doc = concat!($("`", $value, "` "),+)]
                $(#[$note])*
                $variant
            ),+
        }

        #[allow(dead_code, reason = "a private label need not use every convenience")]
        impl $name {
            /// Every value, in order.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];
            const KEYS: &'static [&'static str] = &[$($key),+];
            const ROWS: &'static [&'static [&'static str]] = &[$(&[$($value),+]),+];

            /// The text of each label key, in order.
            $vis const fn values(self) -> &'static [&'static str] {
                Self::ROWS[self as usize]
            }
        }

        impl $crate::Label for $name {
            const LABELS: $crate::LabelList = $crate::LabelList::table(Self::KEYS, Self::ROWS);
            const BOUND: usize = Self::ROWS.len();

            #[inline]
            fn index(self) -> usize {
                self as usize
            }

            fn cell(index: usize, _values: &$crate::LabelValues) -> $crate::Cell {
                $crate::Cell::known(index, Self::KEYS, Self::ROWS[index])
            }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident($key:literal, max $max:literal);
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(u16);

        impl $crate::Label for $name {
            const LABELS: $crate::LabelList = $crate::LabelList::configured($key, $max);
            const BOUND: usize = $max;

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }

            fn cell(index: usize, values: &$crate::LabelValues) -> $crate::Cell {
                values.cell::<Self>(index)
            }
        }

        impl $crate::ConfiguredLabel for $name {
            const KEY: &'static str = $key;

            fn at(index: u16) -> Self {
                Self(index)
            }
        }
    };
}
