//! What a worker has told of the members of a channel: nobody is told twice, and what the bus has
//! lost is told afterwards.

use crate::{
    channel::{ChannelEvent, ChannelMember, Version},
    port::ChannelSeen,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Users that are remembered for one channel; when there are more, all are forgotten.
const USERS_MAX: usize = 10_000;

/// What the subscribers of a channel were told of its members.
#[derive(Debug, Default)]
pub(super) struct Told {
    users: HashMap<Arc<str>, Last>,
    /// A list of members is among them.
    is_whole: bool,
}

/// What was told last of a user.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Last {
    standing: Standing,
    /// As of which change.
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    /// A member, by a list that not every subscriber may have been given.
    Listed,
    /// A member.
    In,
    /// None.
    Out,
    /// Some subscribers take it for a member, and others do not.
    Doubtful,
}

impl Told {
    /// A subscriber was given the members of this version.
    pub(super) fn give(&mut self, members: &[ChannelMember], version: Version) {
        if !self.is_whole {
            self.is_whole = true;
            for member in members {
                let listed = Last { standing: Standing::Listed, version };
                self.users.entry(member.user.clone()).or_insert(listed);
            }
            return;
        }
        let doubtful = Last { standing: Standing::Doubtful, version };
        for ChannelMember { user, .. } in members {
            if !self.users.contains_key(user) {
                self.remember(user, doubtful);
            }
        }
        let listed: HashSet<_> = members.iter().map(|member| &member.user).collect();
        for (user, last) in &mut self.users {
            let was = last.standing != Standing::Out;
            if last.version < version && was != listed.contains(user) {
                *last = doubtful;
            }
        }
    }

    /// Whether a change is news to anybody; if so, it is remembered. Nodes and workers tell theirs
    /// one beside the other, so an earlier one may come later.
    pub(super) fn is_news(&mut self, event: &ChannelEvent) -> bool {
        let (user, standing, version) = match event {
            ChannelEvent::MemberAdded(member, version) => (&member.user, Standing::In, *version),
            ChannelEvent::MemberRemoved(user, version) => (user, Standing::Out, *version),
            ChannelEvent::Published(..) | ChannelEvent::Counted(_) => return true,
        };
        let change = Last { standing, version };
        let (is_news, last) = match self.users.get(user) {
            Some(last) => last.then(change),
            None => (true, change),
        };
        self.remember(user, last);
        is_news
    }

    /// What has changed meanwhile, as the store sees it. Who is not there is gone only where that
    /// is sure: a store that forgot everything is told again by each node.
    pub(super) fn compare(&self, seen: &ChannelSeen, is_sure: bool) -> Vec<ChannelEvent> {
        if !self.is_whole {
            return Vec::new();
        }
        let there: HashSet<_> = seen.members.iter().map(|member| &member.user).collect();
        let is_missed = |member: &&ChannelMember| {
            let last = self.users.get(&member.user);
            last.is_none_or(|last| {
                matches!(last.standing, Standing::Out | Standing::Doubtful)
                    && last.version <= seen.version
            })
        };
        let added = seen.members.iter().filter(is_missed);
        let added = added.map(|member| ChannelEvent::MemberAdded(member.clone(), seen.version));
        let is_gone = |(user, last): &(&Arc<str>, &Last)| {
            let is_told = last.standing != Standing::Out && last.version <= seen.version;
            is_sure && is_told && !there.contains(*user)
        };
        let removed = self.users.iter().filter(is_gone);
        let removed =
            removed.map(|(user, _)| ChannelEvent::MemberRemoved(user.clone(), seen.version));
        added.chain(removed).collect()
    }

    fn remember(&mut self, user: &Arc<str>, last: Last) {
        if self.users.len() >= USERS_MAX && !self.users.contains_key(user) {
            *self = Self::default();
        }
        self.users.insert(user.clone(), last);
    }
}

impl Last {
    /// Whether a change is news, and what is known then.
    fn then(self, change: Self) -> (bool, Self) {
        let is_later = change.version >= self.version;
        let latest = Self { version: self.version.max(change.version), ..change };
        match (self.standing, change.standing) {
            (Standing::Doubtful, _) => (true, latest),
            // Who was given an earlier list may not know of it.
            (Standing::Listed, Standing::In) => (change.version <= self.version, latest),
            // It has come back before the list was made.
            (Standing::Listed, _) if !is_later => (true, self),
            (Standing::Listed, _) => (true, change),
            (Standing::In, Standing::Out) | (Standing::Out, Standing::In) if is_later => {
                (true, change)
            }
            (Standing::In, Standing::Out) | (Standing::Out, Standing::In) => (false, self),
            _ => (false, latest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(user: &str) -> ChannelMember {
        ChannelMember { user: user.into(), info: None }
    }

    fn members(users: &[&str]) -> Vec<ChannelMember> {
        users.iter().map(|user| member(user)).collect()
    }

    fn seen(users: &[&str], version: u64) -> ChannelSeen {
        let version = Version(version);
        ChannelSeen { members: members(users), version, ..ChannelSeen::default() }
    }

    fn given(users: &[&str], version: u64) -> Told {
        let mut told = Told::default();
        told.give(&members(users), Version(version));
        told
    }

    fn added(told: &mut Told, user: &str, version: u64) -> bool {
        told.is_news(&ChannelEvent::MemberAdded(member(user), Version(version)))
    }

    fn removed(told: &mut Told, user: &str, version: u64) -> bool {
        told.is_news(&ChannelEvent::MemberRemoved(user.into(), Version(version)))
    }

    /// What is told after a comparison, as `+user` and `-user`.
    fn compared(told: &mut Told, seen: &ChannelSeen, is_sure: bool) -> Vec<String> {
        let events = told.compare(seen, is_sure);
        assert!(events.iter().all(|event| told.is_news(event)), "{events:?}");
        assert_eq!(told.compare(seen, is_sure), [], "it is told once");
        let mut lines: Vec<_> = events.iter().map(line).collect();
        lines.sort();
        lines
    }

    fn line(event: &ChannelEvent) -> String {
        match event {
            ChannelEvent::MemberAdded(member, _) => format!("+{}", member.user),
            ChannelEvent::MemberRemoved(user, _) => format!("-{user}"),
            other => panic!("no change of members: {other:?}"),
        }
    }

    #[test]
    fn a_change_is_told_once_and_never_after_a_later_one() {
        let mut told = given(&["ada"], 10);
        assert!(added(&mut told, "bob", 11));
        assert!(!added(&mut told, "bob", 11), "it comes again");
        assert!(removed(&mut told, "bob", 14));
        assert!(!added(&mut told, "bob", 13), "it comes late");
        assert!(!removed(&mut told, "bob", 12));
        assert!(added(&mut told, "bob", 15));
        assert!(!removed(&mut told, "bob", 14));
    }

    #[test]
    fn who_is_noted_again_was_a_member_all_the_time() {
        let mut told = given(&["ada"], 10);
        added(&mut told, "bob", 11);
        assert!(!added(&mut told, "ada", 20));
        assert!(!added(&mut told, "bob", 21));
        assert!(removed(&mut told, "ada", 22));
        assert!(!removed(&mut told, "bob", 11), "who came back has not left");
        assert!(removed(&mut told, "bob", 23));
    }

    #[test]
    fn who_is_in_a_list_is_told_to_those_who_were_given_an_earlier_one() {
        let mut told = given(&["ada", "bob"], 10);
        assert!(added(&mut told, "bob", 9), "another subscriber may be waiting for it");
        assert!(!added(&mut told, "bob", 9));
        let mut told = given(&["ada", "bob"], 10);
        assert!(removed(&mut told, "bob", 8));
        assert!(!added(&mut told, "bob", 11), "the list is later");
    }

    #[test]
    fn a_later_subscriber_that_sees_others_brings_doubt_and_changes_are_told() {
        let mut told = given(&["ada", "bob"], 10);
        told.give(&members(&["ada"]), Version(20));
        assert!(added(&mut told, "bob", 21), "the later one has not seen it");
        let mut told = given(&["ada"], 10);
        removed(&mut told, "bob", 11);
        told.give(&members(&["ada", "bob"]), Version(12));
        assert!(removed(&mut told, "bob", 13), "the later one takes it for a member");
    }

    #[test]
    fn who_came_and_went_unheard_is_gone_for_who_was_given_it() {
        let mut told = given(&["ada"], 10);
        told.give(&members(&["ada", "bob"]), Version(20));
        assert_eq!(compared(&mut told, &seen(&["ada"], 21), true), ["-bob"]);
        let mut told = given(&["ada"], 10);
        told.give(&members(&["ada", "bob"]), Version(20));
        assert_eq!(compared(&mut told, &seen(&["ada", "bob"], 20), false), ["+bob"]);
    }

    #[test]
    fn what_was_lost_is_told_afterwards() {
        let mut told = given(&["ada", "bob"], 10);
        let now = seen(&["ada", "cleo"], 15);
        assert_eq!(compared(&mut told, &now, false), ["+cleo"]);
        assert_eq!(compared(&mut told, &now, true), ["-bob"]);
        assert!(!added(&mut told, "cleo", 12), "late, and told already");
        assert!(!removed(&mut told, "bob", 13));
    }

    #[test]
    fn a_look_that_is_older_than_what_was_told_changes_nothing() {
        let mut told = given(&["ada"], 10);
        added(&mut told, "bob", 16);
        removed(&mut told, "ada", 17);
        assert_eq!(compared(&mut told, &seen(&["ada"], 15), true), [""; 0]);
        assert_eq!(compared(&mut told, &seen(&[], 0), true), [""; 0], "it was emptied");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut told = given(&["ada"], 10);
        for number in 0..USERS_MAX as u64 + 5 {
            assert!(added(&mut told, &number.to_string(), 11 + number));
        }
        assert!(told.users.len() <= USERS_MAX);
        assert_eq!(told.compare(&seen(&[], 99_999), true), [], "it does not know who was told");
        told.give(&members(&["ada"]), Version(99_999));
        assert!(told.users.contains_key("ada"));
    }
}
