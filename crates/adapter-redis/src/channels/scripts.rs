//! The steps of channels that Redis makes at once.
//!
//! Of a channel `at` is a hash of what each node says of it (`count`, or `count;stamp` where the
//! node has members there), with the version of its members; `members` a hash of users, each with
//! the nodes that have it and what is known of it (`node,node,;bytes`). `mine` is the set of
//! channels of which one node says something, `names` those of one application, and `clock` the
//! last version.

use crate::script::Script;
use std::sync::LazyLock;

/// Functions of the scripts. A version is the time in microseconds, or one more than the last where
/// that is more: it goes on rising when a channel was gone, which a number kept with the channel
/// would not, and when Redis has lost everything, which a mere counter would not.
macro_rules! script {
    ($source:literal) => {
        Script::new(concat!(
            "local function sum(at, own)
               local others, nodes, said, version = 0, 0, '', '0'
               local fields = redis.call('HGETALL', at)
               for field = 1, #fields, 2 do
                 local name, value = fields[field], fields[field + 1]
                 if name == 'version' then
                   version = string.match(value, '^%d+$') or '0'
                 elseif name == own then
                   said = value
                 else
                   nodes = nodes + 1
                   others = others + (tonumber(string.match(value, '^%d+')) or 0)
                 end
               end
               return others, nodes, said, version
             end
             local function nodes_of(value)
               return string.match(value or '', '^([%x,]*);') or ''
             end
             local function info_of(value)
               return string.match(value or '', '^[%x,]*;(.*)$') or ''
             end
             local function without(nodes, node)
               local rest = string.gsub(nodes, node .. ',', '')
               return rest
             end
             local function doubtful(said)
               return (string.match(said, '^%d+') or '0') .. ';?'
             end
             local function doubt_if_lost(at, members)
               if redis.call('EXISTS', members) == 1 then return end
               local fields = redis.call('HGETALL', at)
               for field = 1, #fields, 2 do
                 local said = fields[field + 1]
                 if string.find(said, ';', 1, true) then
                   redis.call('HSET', at, fields[field], doubtful(said))
                 end
               end
             end
             local function next_version(clock, version)
               local time = redis.call('TIME')
               local now = time[1] * 1000000 + time[2]
               local last = tonumber(redis.call('GET', clock) or 0) or 0
               last = math.max(last, tonumber(version))
               version = string.format('%.0f', math.max(last + 1, now))
               redis.call('SET', clock, version)
               return version
             end
             ",
            $source
        ))
    };
}

/// Writes what this node says of a channel and of some of its users. Answers what the others say,
/// the version, whether Redis knew of this node what it was expected to know, and what became of
/// each user with what is known of it.
///
/// Nobody new is noted where there are as many members as there may be, which each user says that
/// was not let in yet, whoever tells of it.
///
/// What was not expected is left for the node to put right: a stamp that none has says so, and says
/// it to all nodes that have members where these are lost.
pub(super) static TELL: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local at, members, mine, names, clock = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
         local own, said, expected, channel, name = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
         doubt_if_lost(at, members)
         local others, nodes, before, version = sum(at, own)
         local rows, is_new = {}, false
         for word = 6, #ARGV, 4 do
           local verb, user, info = ARGV[word], ARGV[word + 1], ARGV[word + 2]
           local members_max = tonumber(ARGV[word + 3])
           local value = redis.call('HGET', members, user)
           local noted = nodes_of(value)
           local had, rest = string.find(noted, own, 1, true), without(noted, own)
           if noted ~= '' then info = info_of(value) end
           local became = 'same'
           local is_new_here = verb == 'note anew' and noted == ''
           if is_new_here and members_max and redis.call('HLEN', members) >= members_max then
             became = 'full'
           elseif verb == 'note' or verb == 'note anew' then
             if not had then redis.call('HSET', members, user, noted .. own .. ',;' .. info) end
             if rest == '' and (not had or verb == 'note anew') then became = 'added' end
           elseif rest ~= '' then
             if had then redis.call('HSET', members, user, rest .. ';' .. info) end
           else
             redis.call('HDEL', members, user)
             became = (had or verb == 'forget anew') and 'removed' or 'missing'
           end
           is_new = is_new or became == 'added' or became == 'removed'
           rows[#rows + 1] = {became, info}
         end
         local is_whole = 1
         if before ~= expected and string.find(said .. before, ';', 1, true) then
           is_whole = 0
           said = doubtful(said)
         end
         is_new = is_new or version == '0' and string.find(said, ';', 1, true)
         if is_new then version = next_version(clock, version) end
         if said ~= '' then
           redis.call('HSET', at, own, said)
           redis.call('SADD', mine, channel)
           redis.call('ZADD', names, 0, name)
         else
           redis.call('HDEL', at, own)
           redis.call('SREM', mine, channel)
         end
         if said == '' and nodes == 0 then
           redis.call('DEL', at, members)
           redis.call('ZREM', names, name)
         elseif is_new then
           redis.call('HSET', at, 'version', version)
         end
         return {others, version, is_whole, rows}"
    )
});

/// What Redis knows of this node in a channel: what it says, and which users it has.
pub(super) static KNOWN: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local at, members, own = KEYS[1], KEYS[2], ARGV[1]
         local users = {}
         local fields = redis.call('HGETALL', members)
         for field = 1, #fields, 2 do
           if string.find(nodes_of(fields[field + 1]), own, 1, true) then
             users[#users + 1] = fields[field]
           end
         end
         return {redis.call('HGET', at, own) or '', users}"
    )
});

/// What Redis knows of this node in many channels: of each what the node says, how many members
/// there are, and whether the channel is found by its name.
pub(super) static CHECK: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local rows = {}
         for index = 1, #KEYS / 3 do
           local at, members, names = KEYS[3 * index - 2], KEYS[3 * index - 1], KEYS[3 * index]
           local said = redis.call('HGET', at, ARGV[1]) or ''
           local is_named = redis.call('ZSCORE', names, ARGV[index + 1]) and 1 or 0
           rows[index] = {said, redis.call('HLEN', members), is_named}
         end
         return rows"
    )
});

/// What a channel is like. One that is not there is so since the last version of all at the latest.
pub(super) static LOOK: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local count, nodes, _, version = sum(KEYS[1], '')
         if nodes == 0 then
           version = string.match(redis.call('GET', KEYS[4]) or '', '^%d+$') or '0'
         end
         return {count, version, redis.call('HGETALL', KEYS[2]), redis.call('GET', KEYS[3])}"
    )
});

/// Keeps the last event of a channel; its number, which takes the place of the zeros at the end of
/// what is written.
pub(super) static KEEP: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local edition = next_version(KEYS[2], '0')
         local kept = string.sub(ARGV[1], 1, -9) .. struct.pack('>I8', tonumber(edition))
         redis.call('SET', KEYS[1], kept, 'PX', ARGV[2])
         return edition"
    )
});

/// How many subscriptions and members channels have, one channel after the other.
pub(super) static COUNT: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local counts = {}
         for key = 1, #KEYS, 2 do
           counts[key] = sum(KEYS[key], '')
           counts[key + 1] = redis.call('HLEN', KEYS[key + 1])
         end
         return counts"
    )
});

/// Forgets what a dead node said of some channels, of fewer where they have many members. Whoever
/// takes a channel out of the node's set is the one who tells: answers for each of them what the
/// dead node said, what the others say, the version, and the users that are gone, each with what
/// was known of it.
pub(super) static FORGET: LazyLock<Script> = LazyLock::new(|| {
    script!(
        "local mine, clock, dead = KEYS[1], KEYS[2], ARGV[1]
         local rows, work = {}, 0
         for index = 1, (#KEYS - 2) / 3 do
           if work > 5000 then break end
           local at, members, names = KEYS[3 * index], KEYS[3 * index + 1], KEYS[3 * index + 2]
           local channel, name = ARGV[2 * index], ARGV[2 * index + 1]
           if redis.call('SREM', mine, channel) == 1 then
             local others, nodes, said, version = sum(at, dead)
             redis.call('HDEL', at, dead)
             local gone = {}
             local fields = redis.call('HGETALL', members)
             for field = 1, #fields, 2 do
               local user, value = fields[field], fields[field + 1]
               local noted = nodes_of(value)
               if string.find(noted, dead, 1, true) then
                 local rest = without(noted, dead)
                 if rest == '' then
                   redis.call('HDEL', members, user)
                   gone[#gone + 1] = user
                   gone[#gone + 1] = info_of(value)
                 else
                   redis.call('HSET', members, user, rest .. ';' .. info_of(value))
                 end
               end
             end
             if #gone > 0 then version = next_version(clock, version) end
             if nodes == 0 then
               redis.call('DEL', at, members)
               redis.call('ZREM', names, name)
             elseif #gone > 0 then
               redis.call('HSET', at, 'version', version)
             end
             local row = {channel, string.match(said, '^%d+') or '0',
               string.format('%.0f', others), version}
             for _, word in ipairs(gone) do row[#row + 1] = word end
             rows[#rows + 1] = row
             work = work + 1 + #fields / 2
           end
         end
         return rows"
    )
});
