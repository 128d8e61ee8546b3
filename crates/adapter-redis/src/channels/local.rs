//! What this node's connections are subscribed to: known here whether Redis is there or not.

use super::words::{Answer, Became, DOUBT, Said, Telling, Verb, Word};
use crate::bus::fnv;
use campanile_core::{
    channel::{Channel, ChannelMember, Version},
    port::{ConnectionId, Entrant},
};
use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// Parts over which channels are spread: each lies in one slot of a cluster.
pub(super) const PARTS: usize = 16;

/// Channels that are remembered as told wrongly, and users as owed; beyond it everything is looked
/// at.
const UNTOLD_MAX: usize = 50_000;

/// A user who has left while Redis forgot everything may be another node's too. That one has noted
/// it again after so long.
const OWED_FOR: Duration = Duration::from_secs(10);

/// Where a channel belongs. It is the same on every node, whatever its version.
pub(super) fn part_of(channel: &Channel) -> usize {
    hash_of(channel) as usize % PARTS
}

pub(super) fn hash_of(channel: &Channel) -> u32 {
    fnv(&["channels", channel.app().as_str(), channel.name()])
}

/// The subscriptions of this node.
#[derive(Debug, Default)]
pub(super) struct Local {
    parts: [HashMap<Channel, Own>; PARTS],
    /// Channels of which Redis may know something else.
    untold: HashSet<Channel>,
    /// There were too many of them.
    is_unsure: bool,
    /// The last change.
    stamp: u64,
    /// Users without a subscription whom Redis may still have.
    owed: usize,
}

/// A channel's subscriptions on this node.
#[derive(Debug, Default)]
struct Own {
    /// Each with its user, where the channel has members.
    subscriptions: HashMap<ConnectionId, Option<Arc<str>>>,
    users: HashMap<Arc<str>, OwnUser>,
    /// Those of them that Redis has to be told of.
    unsettled: HashSet<Arc<str>>,
    /// The last change.
    stamp: u64,
    /// What Redis was told last, unless that is in doubt.
    known: Option<Known>,
    /// Redis knew something else than was expected.
    is_doubtful: bool,
}

#[derive(Debug)]
struct OwnUser {
    member: ChannelMember,
    /// How many members the channel may have, by whoever brought it last.
    members_max: u64,
    /// None when it has left and is owed.
    subscriptions: usize,
    /// Redis has answered that this node has it, so whoever had to be told was told.
    is_noted: bool,
    /// It has left, and since then nobody in Redis has it.
    missed: Option<Instant>,
}

/// What Redis was told of a channel, and what it answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    said: Said,
    /// The last change that it was told of.
    stamp: u64,
    /// Subscriptions of the other nodes.
    pub(super) others: u64,
    pub(super) version: Version,
}

/// What Redis should know of a channel of this node.
#[derive(Debug)]
pub(super) struct Should {
    pub(super) channel: Channel,
    pub(super) said: String,
    /// At least so many.
    pub(super) members: u64,
}

/// A change by a caller.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    stamp: u64,
    /// This node's subscriptions.
    pub(super) before: u64,
    pub(super) after: u64,
    /// The user that has to be told of.
    pub(super) user: Option<Arc<str>>,
}

impl Local {
    /// Notes a subscription, unless it is there.
    pub(super) fn subscribe(
        &mut self,
        channel: &Channel,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Step {
        let stamp = self.mistrust(channel.clone());
        let own = self.parts[part_of(channel)].entry(channel.clone()).or_default();
        own.stamp = stamp;
        let before = own.count();
        let user = match own.subscriptions.entry(connection) {
            Entry::Occupied(known) => {
                known.get().clone().filter(|user| own.unsettled.contains(user))
            }
            Entry::Vacant(vacant) => {
                vacant.insert(entrant.map(|entrant| entrant.member.user.clone()));
                entrant.and_then(|entrant| own.arrive(entrant, &mut self.owed))
            }
        };
        Step { stamp, before, after: own.count(), user }
    }

    /// Forgets a subscription.
    pub(super) fn unsubscribe(&mut self, channel: &Channel, connection: ConnectionId) -> Step {
        let stamp = self.mistrust(channel.clone());
        let part = &mut self.parts[part_of(channel)];
        let Some(own) = part.get_mut(channel) else {
            return Step { stamp, before: 0, after: 0, user: None };
        };
        own.stamp = stamp;
        let before = own.count();
        let user = own.subscriptions.remove(&connection).flatten();
        let is_full = self.owed >= UNTOLD_MAX;
        let user = user.filter(|user| own.depart(user, &mut self.owed));
        if let Some(user) = &user
            && is_full
        {
            // Redis has it, and whoever looks at everything finds it there.
            self.is_unsure = true;
            own.drop_owed(user, &mut self.owed);
        }
        let after = own.count();
        if own.is_over() {
            part.remove(channel);
        }
        Step { stamp, before, after, user }
    }

    /// A subscription was refused: the step back, and what Redis is to be told.
    pub(super) fn turn_away(
        &mut self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> (Step, Telling) {
        let step = self.unsubscribe(channel, connection);
        // Others of the same user tell of it when it is their turn.
        let is_gone = |user: &&Arc<str>| {
            let known = self.own(channel).and_then(|own| own.users.get(*user));
            known.is_some_and(|known| known.subscriptions == 0)
        };
        let gone = step.user.as_ref().filter(is_gone).cloned();
        let telling = self.telling(channel, gone.as_ref());
        (step, telling)
    }

    /// What Redis answered to whoever told it of a later change than this one.
    pub(super) fn told_since(&self, channel: &Channel, step: &Step) -> Option<Known> {
        self.own(channel)?.known.filter(|known| step.user.is_none() && known.stamp >= step.stamp)
    }

    /// What Redis is to be told of this channel, and of one user.
    pub(super) fn telling(&self, channel: &Channel, user: Option<&Arc<str>>) -> Telling {
        let Some(own) = self.own(channel) else {
            let users = user.map(Word::forget).into_iter().collect();
            return Telling { users, ..Telling::nothing() };
        };
        Telling {
            stamp: own.stamp,
            said: own.said(),
            expected: own.expected(),
            users: user.map(|user| own.word(user)).into_iter().collect(),
        }
    }

    /// What Redis is to be told of this channel when it knows this of this node.
    pub(super) fn telling_all(
        &self,
        channel: &Channel,
        (expected, noted): (String, &HashSet<Arc<str>>),
    ) -> Telling {
        let Some(own) = self.own(channel) else {
            let users = noted.iter().map(Word::forget).collect();
            return Telling { expected, users, ..Telling::nothing() };
        };
        let is_wrong = |user: &Arc<str>| {
            let is_owed = own.users.get(user).is_none_or(|known| known.subscriptions == 0);
            noted.contains(user) == is_owed
        };
        let wrong = own.users.keys().chain(noted).filter(|user| is_wrong(user));
        let users: HashSet<_> = wrong.chain(&own.unsettled).collect();
        let users = users.into_iter().map(|user| own.word(user)).collect();
        Telling { stamp: own.stamp, said: own.said(), expected, users }
    }

    /// Redis has answered.
    pub(super) fn told(&mut self, channel: &Channel, telling: &Telling, answer: &Answer) {
        let part = &mut self.parts[part_of(channel)];
        let Some(own) = part.get_mut(channel) else {
            if answer.is_whole && telling.said.count == 0 {
                self.untold.remove(channel);
            }
            return;
        };
        let Answer { others, version, .. } = *answer;
        let Telling { stamp, said, .. } = *telling;
        own.known = answer.is_whole.then_some(Known { said, stamp, others, version });
        own.is_doubtful = !answer.is_whole;
        for (word, (became, _)) in telling.users.iter().zip(&answer.users) {
            own.settle(word, *became, &mut self.owed);
        }
        if answer.is_whole && own.stamp == stamp && own.unsettled.is_empty() {
            self.untold.remove(channel);
        }
        if own.is_over() {
            part.remove(channel);
        }
    }

    /// Redis may know something else of this channel; the number of the change.
    pub(super) fn mistrust(&mut self, channel: Channel) -> u64 {
        if self.untold.len() < UNTOLD_MAX {
            self.untold.insert(channel);
        } else if !self.untold.contains(&channel) {
            self.is_unsure = true;
        }
        self.stamp += 1;
        self.stamp
    }

    pub(super) fn is_untold(&self, channel: &Channel) -> bool {
        self.untold.contains(channel)
    }

    /// Of which channels Redis has to be told.
    pub(super) fn untold(&self) -> Vec<Channel> {
        self.untold.iter().cloned().collect()
    }

    /// Whether everything has to be looked at; asked once.
    pub(super) fn was_unsure(&mut self) -> bool {
        std::mem::take(&mut self.is_unsure)
    }

    pub(super) fn channels(&self) -> usize {
        self.parts.iter().map(HashMap::len).sum()
    }

    /// The channels of a part, each with what Redis should know of it.
    pub(super) fn should_be(&self, part: usize) -> Vec<Should> {
        let there = self.parts[part].iter().filter(|(_, own)| own.count() > 0);
        let should = |(channel, own): (&Channel, &Own)| {
            let is_settled = own.unsettled.is_empty() && !own.is_doubtful;
            let said = if is_settled { own.said().text() } else { DOUBT.to_owned() };
            Should { channel: channel.clone(), said, members: own.users.len() as u64 }
        };
        there.map(should).collect()
    }

    pub(super) fn count_of(&self, part: usize) -> usize {
        self.parts[part].values().filter(|own| own.count() > 0).count()
    }

    fn own(&self, channel: &Channel) -> Option<&Own> {
        self.parts[part_of(channel)].get(channel)
    }
}

impl Own {
    fn count(&self) -> u64 {
        self.subscriptions.len() as u64
    }

    fn expected(&self) -> String {
        let known = self.known.map(|known| known.said.text());
        let unknown = if self.is_doubtful { DOUBT } else { "" };
        known.unwrap_or_else(|| unknown.to_owned())
    }

    fn is_over(&self) -> bool {
        self.subscriptions.is_empty() && self.users.is_empty()
    }

    fn said(&self) -> Said {
        Said { count: self.count(), stamp: if self.users.is_empty() { 0 } else { self.stamp } }
    }

    /// A user has one subscription more; the user, where Redis has to be told of it.
    fn arrive(&mut self, entrant: Entrant<'_>, owed: &mut usize) -> Option<Arc<str>> {
        let Entrant { member, members_max } = entrant;
        let known = self.users.entry(member.user.clone());
        let is_new = matches!(known, Entry::Vacant(_));
        let known = known.or_insert_with(|| OwnUser {
            member: member.clone(),
            members_max,
            subscriptions: 0,
            is_noted: false,
            missed: None,
        });
        known.subscriptions += 1;
        known.members_max = members_max;
        if known.subscriptions == 1 {
            if !is_new {
                *owed -= 1;
            }
            self.unsettled.insert(member.user.clone());
        }
        self.unsettled.get(&member.user).cloned()
    }

    /// A user has one subscription less; whether Redis has to be told of it.
    fn depart(&mut self, user: &Arc<str>, owed: &mut usize) -> bool {
        let Some(known) = self.users.get_mut(user) else {
            return false;
        };
        known.subscriptions -= 1;
        if known.subscriptions == 0 {
            *owed += 1;
            self.unsettled.insert(user.clone());
        }
        self.unsettled.contains(user)
    }

    fn drop_owed(&mut self, user: &Arc<str>, owed: &mut usize) {
        if self.users.get(user).is_some_and(|known| known.subscriptions == 0) {
            self.users.remove(user);
            self.unsettled.remove(user);
            *owed -= 1;
        }
    }

    fn word(&self, user: &Arc<str>) -> Word {
        let Some(known) = self.users.get(user) else {
            return Word::forget(user);
        };
        let is_missed = known.missed.is_some_and(|since| since.elapsed() >= OWED_FOR);
        let verb = match (known.subscriptions, known.is_noted) {
            (0, _) if is_missed => Verb::ForgetAnew,
            (0, _) => Verb::Forget,
            (_, true) => Verb::Note,
            (_, false) => Verb::NoteAnew,
        };
        // Who was let in stays, however many there are by now.
        let members_max = (verb == Verb::NoteAnew).then_some(known.members_max);
        Word { verb, member: known.member.clone(), members_max }
    }

    /// Redis has been told of a user.
    fn settle(&mut self, word: &Word, became: Became, owed: &mut usize) {
        let user = &word.member.user;
        let Some(known) = self.users.get_mut(user) else {
            return;
        };
        let is_here = known.subscriptions > 0;
        match word.verb {
            Verb::NoteAnew if became == Became::Full => {}
            Verb::Note | Verb::NoteAnew => {
                (known.is_noted, known.missed) = (true, None);
                if is_here {
                    self.unsettled.remove(user);
                }
            }
            // It has come back, and whoever brought it waits for its turn to tell.
            Verb::Forget | Verb::ForgetAnew if is_here => known.is_noted = false,
            // Who was told that it came has to be told that it left.
            Verb::Forget if became == Became::Missing && known.is_noted => {
                known.missed.get_or_insert_with(Instant::now);
            }
            Verb::Forget | Verb::ForgetAnew => self.drop_owed(user, owed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::channel::AppId;

    fn lobby() -> Channel {
        Channel::new(&AppId::parse("shop").expect("it is an id"), "presence-lobby")
    }

    fn ada() -> ChannelMember {
        ChannelMember { user: "ada".into(), info: None }
    }

    fn enters(member: &ChannelMember) -> Option<Entrant<'_>> {
        Some(Entrant { member, members_max: 2 })
    }

    fn verbs(telling: &Telling) -> Vec<Verb> {
        telling.users.iter().map(|word| word.verb).collect()
    }

    /// Redis is told of the last step, and answers.
    fn tell(local: &mut Local, step: &Step, became: Became) -> Vec<Verb> {
        let telling = local.telling(&lobby(), step.user.as_ref());
        let users = telling.users.iter().map(|word| (became, word.member.clone())).collect();
        let answer = Answer { others: 0, version: Version(1), is_whole: true, users };
        local.told(&lobby(), &telling, &answer);
        verbs(&telling)
    }

    #[test]
    fn a_user_is_told_of_when_it_comes_and_when_it_goes() {
        let mut local = Local::default();
        let (first, second) = (ConnectionId(1), ConnectionId(2));
        let step = local.subscribe(&lobby(), first, enters(&ada()));
        assert_eq!((step.before, step.after), (0, 1));
        assert_eq!(tell(&mut local, &step, Became::Added), [Verb::NoteAnew]);
        let step = local.subscribe(&lobby(), second, enters(&ada()));
        assert_eq!(tell(&mut local, &step, Became::Same), []);
        let step = local.unsubscribe(&lobby(), first);
        assert_eq!(tell(&mut local, &step, Became::Same), []);
        let step = local.unsubscribe(&lobby(), second);
        assert_eq!((step.before, step.after), (1, 0));
        assert_eq!(tell(&mut local, &step, Became::Removed), [Verb::Forget]);
        assert_eq!((local.channels(), local.owed, local.untold()), (0, 0, vec![]));
    }

    #[test]
    fn what_was_not_told_is_remembered() {
        let mut local = Local::default();
        let subscribed = local.subscribe(&lobby(), ConnectionId(1), enters(&ada()));
        tell(&mut local, &subscribed, Became::Added);
        local.unsubscribe(&lobby(), ConnectionId(1));
        assert_eq!((local.owed, local.untold()), (1, vec![lobby()]));
        let told = local.telling_all(&lobby(), (String::new(), &HashSet::new()));
        assert_eq!((verbs(&told), told.said.text()), (vec![Verb::Forget], String::new()));
        let users = vec![(Became::Missing, ada())];
        let answer = Answer { others: 0, version: Version(2), is_whole: true, users };
        local.told(&lobby(), &told, &answer);
        assert!(local.is_untold(&lobby()), "somebody was told that it came");
        let back = local.subscribe(&lobby(), ConnectionId(2), enters(&ada()));
        assert_eq!(tell(&mut local, &back, Became::Added), [Verb::Note]);
        assert_eq!((local.owed, local.untold()), (0, vec![]));
    }

    #[test]
    fn whoever_tells_of_a_user_says_how_many_there_may_be_until_it_was_let_in() {
        let mut local = Local::default();
        let step = local.subscribe(&lobby(), ConnectionId(1), enters(&ada()));
        let bounds = |telling: &Telling| -> Vec<_> {
            telling.users.iter().map(|word| (word.verb, word.members_max)).collect()
        };
        let noted = HashSet::new();
        let all = |local: &Local| bounds(&local.telling_all(&lobby(), (String::new(), &noted)));
        assert_eq!(all(&local), [(Verb::NoteAnew, Some(2))], "it still waits for its answer");
        tell(&mut local, &step, Became::Full);
        assert_eq!(all(&local), [(Verb::NoteAnew, Some(2))], "it was not let in");
        tell(&mut local, &step, Became::Added);
        assert_eq!(all(&local), [(Verb::Note, None)], "it stays, though it is to be noted again");
    }

    #[test]
    fn who_owes_too_much_looks_at_everything() {
        let mut local = Local::default();
        let user = |number| ChannelMember { user: format!("{number}").into(), info: None };
        let count = UNTOLD_MAX as u64 + 3;
        for number in 0..count {
            local.subscribe(&lobby(), ConnectionId(number), enters(&user(number)));
        }
        assert!(!local.was_unsure());
        for number in 0..count {
            local.unsubscribe(&lobby(), ConnectionId(number));
        }
        assert_eq!(local.owed, UNTOLD_MAX);
        assert!(local.was_unsure() && !local.was_unsure());
    }

    #[test]
    fn whoever_waits_is_answered_with_what_was_told_for_it() {
        let (mut local, news) = (Local::default(), lobby());
        let steps: Vec<_> =
            (0..3).map(|number| local.subscribe(&news, ConnectionId(number), None)).collect();
        assert!(local.told_since(&news, &steps[0]).is_none());
        tell(&mut local, &steps[0], Became::Same);
        assert!(steps.iter().all(|step| local.told_since(&news, step).is_some()));
        let later = local.subscribe(&news, ConnectionId(3), None);
        assert!(local.told_since(&news, &later).is_none());
    }
}
