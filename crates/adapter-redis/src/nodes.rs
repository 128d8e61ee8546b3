//! The nodes of the cluster: a hash in Redis where each says again and again that it is there.

use crate::{link::Link, metrics::Call, script::Script, trouble::Trouble};
use campanile_core::{
    port::{Node, NodeId},
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// A node whose beat is older counts as missed.
const ALIVE: Duration = Duration::from_secs(3);

/// A missed node is listed for so long.
const LISTED: Duration = Duration::from_secs(3600);

/// What a node said of its users' presence counts for so long after its last beat.
const COUNTS: Duration = Duration::from_secs(15);

/// After so long without an answer nothing is known of what the others did meanwhile.
const DEAF: Duration = Duration::from_secs(3);

/// The fields are names, the values `id;beat;since;version`. Redis tells the time: the clocks of
/// the nodes differ.
static BEAT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         if ARGV[1] == 'beat' then
           local value = string.format('%s;%.0f;%s;%s', ARGV[3], now, ARGV[4], ARGV[5])
           redis.call('HSET', KEYS[1], ARGV[2], value)
         elseif ARGV[1] == 'leave' then
           local value = redis.call('HGET', KEYS[1], ARGV[2])
           if value and string.sub(value, 1, #ARGV[3]) == ARGV[3] then
             redis.call('HDEL', KEYS[1], ARGV[2])
           end
         end
         local nodes = redis.call('HGETALL', KEYS[1])
         for index = 1, #nodes, 2 do
           local beat = string.match(nodes[index + 1], '^%x+;(%d+);')
           if ARGV[1] == 'beat' and (not beat or now - tonumber(beat) > tonumber(ARGV[6])) then
             redis.call('HDEL', KEYS[1], nodes[index])
           end
         end
         return {string.format('%.0f', now), nodes}",
    )
});

/// This node's place among the nodes.
pub(crate) struct Roster {
    key: String,
    own: Node,
    /// Not on the list: it has left, or never was.
    is_off: AtomicBool,
    seen: Mutex<Seen>,
}

/// What this node has seen of all nodes, by its own watch: a beat counts from when it was seen, so
/// that nobody is taken for dead because Redis was away.
#[derive(Debug)]
struct Seen {
    answered: Instant,
    nodes: HashMap<NodeId, Beat>,
    /// The nodes that count.
    live: Arc<[String]>,
    warned: bool,
}

#[derive(Debug)]
struct Beat {
    at: u64,
    seen: Instant,
    name: String,
    /// Another took its place.
    gone: bool,
}

impl Beat {
    fn first(at: u64, name: String, now: Instant) -> Self {
        Self { at, seen: now, name, gone: false }
    }
}

/// A node as it is written.
#[derive(Debug, PartialEq)]
struct Entry {
    node: Node,
    beat: u64,
}

impl Roster {
    pub(crate) fn new(prefix: &str, own: Node, is_seen: bool) -> Self {
        let live = Arc::from([own.id.to_string()]);
        let seen = Seen { answered: Instant::now(), nodes: HashMap::new(), live, warned: false };
        Self {
            key: format!("{prefix}nodes"),
            own,
            is_off: AtomicBool::new(!is_seen),
            seen: Mutex::new(seen),
        }
    }

    /// This node.
    pub(crate) fn own(&self) -> NodeId {
        self.own.id
    }

    /// Says that this node is there, and sees who else is.
    pub(crate) async fn beat(&self, link: &Link) -> Result<(), Trouble> {
        let verb = if self.is_off.load(Ordering::SeqCst) { "look" } else { "beat" };
        let (_, entries) = self.run(link, verb).await?;
        self.see(entries, Instant::now());
        Ok(())
    }

    /// The nodes, by name.
    pub(crate) async fn nodes(&self, link: &Link) -> Result<Vec<Node>, Trouble> {
        let (now, entries) = self.run(link, "look").await?;
        let mut nodes: Vec<_> = entries.into_iter().map(|entry| entry.node_at(now)).collect();
        nodes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(nodes)
    }

    /// Takes this node off the list.
    pub(crate) async fn leave(&self, link: &Link) -> Result<(), Trouble> {
        self.is_off.store(true, Ordering::SeqCst);
        self.run(link, "leave").await.map(drop)
    }

    async fn run(&self, link: &Link, verb: &str) -> Result<(u64, Vec<Entry>), Trouble> {
        let (id, since) = (self.own.id.to_string(), self.own.since.0.to_string());
        let listed = LISTED.as_millis().to_string();
        let arguments = [verb, &self.own.name, &id, &since, &self.own.version, &listed];
        let (now, fields): (u64, Vec<(String, String)>) =
            BEAT.run((link, Call::Nodes), &[&self.key], &arguments).await?;
        let entries = fields.into_iter().filter_map(|(name, value)| Entry::read(name, &value));
        Ok((now, entries.collect()))
    }

    /// The ids of the nodes whose word on presence counts, this one among them.
    pub(crate) fn live(&self) -> Arc<[String]> {
        self.seen().live.clone()
    }

    /// Whether a node that has left something behind is dead. One that is met for the first time
    /// is given time to show itself.
    pub(crate) fn is_dead(&self, id: NodeId) -> bool {
        let now = Instant::now();
        let mut seen = self.seen();
        let stranger = || Beat::first(0, String::new(), now);
        let beat = seen.nodes.entry(id).or_insert_with(stranger);
        id != self.own.id && (beat.gone || now.duration_since(beat.seen) >= COUNTS)
    }

    fn see(&self, entries: Vec<Entry>, now: Instant) {
        let mut seen = self.seen();
        if now.duration_since(seen.answered) > DEAF {
            seen.nodes.values_mut().for_each(|beat| beat.seen = now);
        }
        seen.answered = now;
        for Entry { node, beat } in entries {
            if node.name == self.own.name && node.id != self.own.id && !seen.warned {
                seen.warned = true;
                tracing::warn!(
                    name = node.name,
                    "another node has this node's name: give each its own"
                );
            }
            // A node that has started again is another one, and the one before is gone at once.
            for (known, beat) in &mut seen.nodes {
                beat.gone |= *known != node.id && beat.name == node.name;
            }
            match seen.nodes.get_mut(&node.id) {
                Some(known) if known.at == beat => known.name = node.name,
                _ => drop(seen.nodes.insert(node.id, Beat::first(beat, node.name, now))),
            }
        }
        seen.nodes.retain(|_, beat| now.duration_since(beat.seen) < LISTED);
        let counts = |beat: &Beat| {
            !beat.gone && !beat.name.is_empty() && now.duration_since(beat.seen) < COUNTS
        };
        let own = self.own.id;
        let counting = seen.nodes.iter().filter(|(id, beat)| **id != own && counts(beat));
        let others = counting.map(|(id, _)| *id);
        seen.live = others.chain([own]).map(|id| id.to_string()).collect();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn read(name: String, value: &str) -> Option<Self> {
        let mut parts = value.splitn(4, ';');
        let id = NodeId(u64::from_str_radix(parts.next()?, 16).ok()?);
        let beat = parts.next()?.parse().ok()?;
        let since = Timestamp(parts.next()?.parse().ok()?);
        let version = parts.next()?.to_owned();
        Some(Self { node: Node { id, name, version, since, alive: true }, beat })
    }

    fn node_at(self, now: u64) -> Node {
        let alive = now.saturating_sub(self.beat) <= ALIVE.as_millis() as u64;
        Node { alive, ..self.node }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        Roster::new("test:", Node::new(NodeId(1), "north", "1", Timestamp(0)), true)
    }

    fn entry(id: u64, name: &str, beat: u64) -> Entry {
        Entry { node: Node::new(NodeId(id), name, "1", Timestamp(0)), beat }
    }

    fn live(roster: &Roster) -> Vec<u64> {
        let ids = roster.live();
        let mut ids: Vec<_> =
            ids.iter().map(|id| u64::from_str_radix(id, 16).expect("it is an id")).collect();
        ids.sort_unstable();
        ids
    }

    /// Beats of the south at each of these seconds, the north there all the time.
    fn watch(roster: &Roster, start: Instant, beats: &[(u64, u64)]) {
        for (second, beat) in beats {
            let entries = vec![entry(1, "north", *second), entry(2, "south", *beat)];
            roster.see(entries, start + Duration::from_secs(*second));
        }
    }

    #[test]
    fn a_node_counts_while_it_beats_and_a_while_longer() {
        let (roster, start) = (roster(), Instant::now());
        assert_eq!(live(&roster), [1]);
        let still: Vec<_> = (0..14).map(|second| (second, 7)).collect();
        watch(&roster, start, &still);
        assert_eq!(live(&roster), [1, 2]);
        watch(&roster, start, &[(14, 7), (16, 7)]);
        assert_eq!(live(&roster), [1]);
        watch(&roster, start, &[(17, 8)]);
        assert_eq!(live(&roster), [1, 2]);
    }

    #[test]
    fn nobody_is_dead_because_redis_was_away() {
        let (roster, start) = (roster(), Instant::now());
        watch(&roster, start, &[(0, 7), (60, 7)]);
        assert_eq!(live(&roster), [1, 2]);
        assert!(!roster.is_dead(NodeId(2)));
    }

    #[test]
    fn who_starts_again_takes_the_place_of_who_was_before() {
        let (roster, start) = (roster(), Instant::now());
        watch(&roster, start, &[(0, 7)]);
        roster.see(vec![entry(3, "south", 8)], start + Duration::from_secs(1));
        assert_eq!(live(&roster), [1, 3]);
    }

    #[test]
    fn what_is_written_is_read_and_junk_is_not() {
        let read = |value: &str| Entry::read("south".into(), value);
        assert_eq!(read("0000000000000002;7;0;1"), Some(entry(2, "south", 7)));
        for junk in ["", "2", "2;7;0", "x;7;0;1", "2;x;0;1", "2;7;x;1"] {
            assert_eq!(read(junk), None, "{junk}");
        }
    }
}
