//! What the connections of this node say: known here whether Redis is there or not.

use crate::bus::fnv;
use campanile_core::{
    name::UserName,
    port::{ConnectionId, combine_statuses},
    user::Status,
};
use std::collections::{HashMap, HashSet};

/// Parts over which users are spread: each lies in one slot of a cluster.
pub(super) const PARTS: usize = 16;

/// Users who are remembered as told wrongly; beyond it everybody is looked at.
const UNTOLD_MAX: usize = 50_000;

/// The connections of this node.
#[derive(Debug, Default)]
pub(super) struct Local {
    parts: [HashMap<UserName, Connections>; PARTS],
    /// Users of whom Redis may know something else.
    untold: HashSet<UserName>,
    /// There were too many of them.
    is_unsure: bool,
}

/// What the connections of one user say: a handful.
pub(super) type Connections = Vec<(ConnectionId, Status)>;

/// What one node says of a user: all that the others need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) status: Status,
    pub(super) connections: usize,
}

/// Where a user belongs. It is the same on every node, whatever its version.
pub(super) fn part_of(user: &UserName) -> usize {
    fnv(&["presence", user.as_str()]) as usize % PARTS
}

impl Local {
    /// Changes what a user's connections say: what was said, and what is said now. Redis does not
    /// know it yet.
    pub(super) fn change(
        &mut self,
        user: &UserName,
        change: impl FnOnce(&mut Connections),
    ) -> (Option<Said>, Option<Said>) {
        let part = &mut self.parts[part_of(user)];
        let connections = part.entry(user.clone()).or_default();
        let before = Said::of(connections);
        change(connections);
        let after = Said::of(connections);
        if after.is_none() {
            part.remove(user);
        }
        self.mistrust(user.clone());
        (before, after)
    }

    pub(super) fn said(&self, user: &UserName) -> Option<Said> {
        Said::of(self.parts[part_of(user)].get(user)?)
    }

    /// Redis may know something else of this user.
    pub(super) fn mistrust(&mut self, user: UserName) {
        if self.untold.len() < UNTOLD_MAX {
            self.untold.insert(user);
        } else {
            self.is_unsure = true;
        }
    }

    /// Redis knows.
    pub(super) fn told(&mut self, user: &UserName) {
        self.untold.remove(user);
    }

    /// Whom Redis has to be told of.
    pub(super) fn untold(&self) -> Vec<UserName> {
        self.untold.iter().cloned().collect()
    }

    /// Whether everybody has to be looked at; asked once.
    pub(super) fn was_unsure(&mut self) -> bool {
        std::mem::take(&mut self.is_unsure)
    }

    pub(super) fn users(&self) -> usize {
        self.parts.iter().map(HashMap::len).sum()
    }

    pub(super) fn users_of(&self, part: usize) -> Vec<UserName> {
        self.parts[part].keys().cloned().collect()
    }

    pub(super) fn count_of(&self, part: usize) -> usize {
        self.parts[part].len()
    }
}

impl Said {
    fn of(connections: &Connections) -> Option<Self> {
        let status = combine_statuses(connections.iter().map(|(_, status)| *status));
        let connections = connections.len();
        (connections > 0).then_some(Self { status, connections })
    }

    /// As it is written.
    pub(super) fn text(self) -> String {
        let status = match self.status {
            Status::Available => 'a',
            Status::Away => 'w',
            Status::DoNotDisturb => 'd',
            Status::Unavailable => 'u',
        };
        format!("{status}{}", self.connections)
    }

    /// As it was written.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (status, connections) = text.split_at_checked(1)?;
        let status = match status {
            "a" => Status::Available,
            "w" => Status::Away,
            "d" => Status::DoNotDisturb,
            "u" => Status::Unavailable,
            _ => return None,
        };
        Some(Self { status, connections: connections.parse().ok()? })
    }

    /// What all nodes say together.
    pub(super) fn combine(said: impl IntoIterator<Item = Said>) -> Self {
        let mut connections = 0;
        let statuses = said.into_iter().inspect(|said| connections += said.connections);
        let status = combine_statuses(statuses.map(|said| said.status));
        Self { status, connections }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_junk_is_not() {
        for status in [Status::Available, Status::Away, Status::DoNotDisturb, Status::Unavailable] {
            let said = Said { status, connections: 12 };
            assert_eq!(Said::read(&said.text()), Some(said));
        }
        for junk in ["", "a", "x1", "a-1", "ä1", "12"] {
            assert_eq!(Said::read(junk), None, "{junk}");
        }
    }

    #[test]
    fn a_user_without_connections_is_not_kept() {
        let mut local = Local::default();
        let ada = UserName::parse("ada").expect("it is a name");
        let one = Said { status: Status::Away, connections: 1 };
        let put = local.change(&ada, |said| said.push((ConnectionId(1), Status::Away)));
        assert_eq!(put, (None, Some(one)));
        assert_eq!((local.users(), local.count_of(part_of(&ada))), (1, 1));
        local.told(&ada);
        assert_eq!(local.change(&ada, Vec::clear), (Some(one), None));
        assert_eq!((local.users(), local.untold()), (0, vec![ada]));
    }
}
