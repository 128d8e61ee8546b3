//! How each part is kept here.

use campanile_core::transfer::{
    Kind::{self, Bytes, Integer, Text},
    Part, Value,
};
use std::sync::LazyLock;

/// How a part is read and written.
pub(super) struct Table {
    /// Counts its records.
    pub(super) count: &'static str,
    /// Reads its columns, and then the place of each. Takes the place before, and how many.
    pub(super) select: &'static str,
    /// What a place is.
    pub(super) place: &'static [Kind],
    /// Writes records: `ROWS` is where they are, by the names of the part's columns. Texts come
    /// as bytes, as they may hold the character NUL.
    insert: &'static str,
}

impl Table {
    /// The place before the first record.
    pub(super) fn start(&self) -> Vec<Value> {
        let least = |kind: &Kind| match kind {
            Integer => Value::Integer(i64::MIN),
            Text => Value::Text(String::new()),
            Bytes => Value::Bytes(Vec::new()),
        };
        self.place.iter().map(least).collect()
    }
}

/// What writes records of a part. It takes an array for each column, and for messages one more,
/// of their weeks.
pub(super) fn insert(part: Part) -> &'static str {
    static STATEMENTS: LazyLock<[String; Part::ALL.len()]> =
        LazyLock::new(|| Part::ALL.map(statement));
    &STATEMENTS[part as usize]
}

fn statement(part: Part) -> String {
    let mut columns: Vec<(&str, Kind)> =
        part.columns().iter().map(|column| (column.name, column.kind)).collect();
    if part == Part::Messages {
        columns.push(("week", Integer));
    }
    let array = |(index, (_, kind)): (usize, &(&str, Kind))| match kind {
        Integer => format!("${}::bigint[]", index + 1),
        Text | Bytes => format!("${}::bytea[]", index + 1),
    };
    let arrays: Vec<String> = columns.iter().enumerate().map(array).collect();
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let rows =
        format!("UNNEST({}) WITH ORDINALITY v ({}, ordinal)", arrays.join(", "), names.join(", "));
    table(part).insert.replace("ROWS", &rows)
}

/// How a part is kept.
pub(super) fn table(part: Part) -> Table {
    match part {
        Part::Accounts => ACCOUNTS,
        Part::Invites => INVITES,
        Part::Sessions => SESSIONS,
        Part::PushSubscriptions => PUSH_SUBSCRIPTIONS,
        Part::Rooms => ROOMS,
        Part::Members => MEMBERS,
        Part::Messages => MESSAGES,
        Part::Reactions => REACTIONS,
        Part::Keys => KEYS,
        Part::Uploads => UPLOADS,
        Part::KeyBundles => KEY_BUNDLES,
        Part::Prekeys => PREKEYS,
        Part::Jobs => JOBS,
        Part::Applications => APPLICATIONS,
        Part::ApplicationKeys => APPLICATION_KEYS,
    }
}

const ACCOUNTS: Table = Table {
    count: "SELECT count(*) FROM accounts",
    select: "SELECT name, password, operator::int::bigint, banned::int::bigint, created_at, \
             last_seen, name FROM accounts WHERE name > $1 ORDER BY name LIMIT $2",
    place: &[Text],
    insert: "INSERT INTO accounts (name, password, operator, banned, created_at, last_seen) \
             SELECT convert_from(v.name, 'UTF8'), convert_from(v.password, 'UTF8'), \
             v.operator = 1, v.banned = 1, v.created_at, v.last_seen FROM ROWS",
};

const INVITES: Table = Table {
    count: "SELECT count(*) FROM invites",
    select: "SELECT hash, made_by, made_at, expires_at, uses_left, hash FROM invites \
             WHERE hash > $1 ORDER BY hash LIMIT $2",
    place: &[Bytes],
    insert: "INSERT INTO invites (hash, made_by, made_at, expires_at, uses_left) \
             SELECT v.hash, convert_from(v.made_by, 'UTF8'), v.made_at, v.expires_at, \
             v.uses_left FROM ROWS",
};

const SESSIONS: Table = Table {
    count: "SELECT count(*) FROM sessions",
    select: "SELECT token, account, expires_at, token FROM sessions WHERE token > $1 \
             ORDER BY token LIMIT $2",
    place: &[Bytes],
    insert: "INSERT INTO sessions (token, account, expires_at) \
             SELECT v.token, convert_from(v.\"user\", 'UTF8'), v.expires_at FROM ROWS",
};

const PUSH_SUBSCRIPTIONS: Table = Table {
    count: "SELECT count(*) FROM push_subscriptions",
    select: "SELECT endpoint, token, p256dh, auth, put_at, endpoint FROM push_subscriptions \
             WHERE endpoint > $1 ORDER BY endpoint LIMIT $2",
    place: &[Text],
    insert: "INSERT INTO push_subscriptions (endpoint, token, p256dh, auth, put_at) \
             SELECT convert_from(v.endpoint, 'UTF8'), v.token, v.p256dh, v.auth, v.put_at \
             FROM ROWS",
};

/// They get new ids, in the same order.
const ROOMS: Table = Table {
    count: "SELECT count(*) FROM rooms",
    select: "SELECT name, kind::bigint, topic, epoch, created_at, members, first_seq, last_seq, \
             amended_at, retention, id FROM rooms WHERE id > $1 ORDER BY id LIMIT $2",
    place: &[Integer],
    insert: "INSERT INTO rooms \
             (name, kind, topic, epoch, created_at, members, first_seq, last_seq, amended_at, \
             retention) \
             SELECT convert_from(v.name, 'UTF8'), v.kind, v.topic, v.epoch, v.created_at, \
             v.members, v.first_seq, v.last_seq, v.amended_at, v.retention FROM ROWS ORDER BY v.ordinal",
};

const MEMBERS: Table = Table {
    count: "SELECT count(*) FROM members",
    select: "SELECT r.name, m.account, m.role::bigint, m.joined_at, m.read_seq, m.room_id, \
             m.account FROM members m JOIN rooms r ON r.id = m.room_id \
             WHERE (m.room_id, m.account) > ($1, $2) ORDER BY m.room_id, m.account LIMIT $3",
    place: &[Integer, Text],
    insert: "INSERT INTO members (room_id, account, role, joined_at, read_seq) \
             SELECT r.id, convert_from(v.\"user\", 'UTF8'), v.role, v.joined_at, v.read_seq \
             FROM ROWS JOIN rooms r ON r.name = convert_from(v.room, 'UTF8')",
};

const MESSAGES: Table = Table {
    count: "SELECT count(*) FROM messages WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, m.seq, m.author, m.body, m.at, m.key, m.reply_to, m.edited_at, \
             m.deleted::int::bigint, m.room_id, m.seq \
             FROM messages m JOIN rooms r ON r.id = m.room_id \
             WHERE (m.room_id, m.seq) > ($1, $2) ORDER BY m.room_id, m.seq LIMIT $3",
    place: &[Integer, Integer],
    insert: "INSERT INTO messages \
             (room_id, seq, week, author, body, at, key, reply_to, edited_at, deleted) \
             SELECT r.id, v.seq, v.week, convert_from(v.author, 'UTF8'), v.body, v.at, v.key, \
             v.reply_to, v.edited_at, v.deleted = 1 \
             FROM ROWS JOIN rooms r ON r.name = convert_from(v.room, 'UTF8')",
};

const REACTIONS: Table = Table {
    count: "SELECT count(*) FROM reactions WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, e.seq, e.place::bigint, e.emoji, e.account, \
             e.room_id, e.seq, e.place::bigint \
             FROM reactions e JOIN rooms r ON r.id = e.room_id \
             WHERE (e.room_id, e.seq, e.place) > ($1, $2, $3) \
             ORDER BY e.room_id, e.seq, e.place LIMIT $4",
    place: &[Integer, Integer, Integer],
    insert: "INSERT INTO reactions (room_id, seq, place, emoji, account) \
             SELECT r.id, v.seq, v.place, v.emoji, convert_from(v.\"user\", 'UTF8') \
             FROM ROWS JOIN rooms r ON r.name = convert_from(v.room, 'UTF8')",
};

/// By room, along the index. A store that forgets keys in the order in which they came forgets
/// these a window later at most.
const KEYS: Table = Table {
    count: "SELECT count(*) FROM keys WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, k.sender, k.key, k.seq, k.at, k.room_id, k.sender, k.key \
             FROM keys k JOIN rooms r ON r.id = k.room_id \
             WHERE (k.room_id, k.sender, k.key) > ($1, $2, $3) \
             ORDER BY k.room_id, k.sender, k.key LIMIT $4",
    place: &[Integer, Text, Bytes],
    insert: "INSERT INTO keys (room_id, sender, key, seq, at) \
             SELECT r.id, convert_from(v.sender, 'UTF8'), v.key, v.seq, v.at \
             FROM ROWS JOIN rooms r ON r.name = convert_from(v.room, 'UTF8')",
};

const UPLOADS: Table = Table {
    count: "SELECT count(*) FROM uploads WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT u.id, r.name, u.account, u.name, u.media_type, u.bytes, u.at, u.id \
             FROM uploads u JOIN rooms r ON r.id = u.room_id \
             WHERE u.id > $1 ORDER BY u.id LIMIT $2",
    place: &[Bytes],
    insert: "INSERT INTO uploads (id, room_id, account, name, media_type, bytes, at) \
             SELECT v.id, r.id, convert_from(v.\"user\", 'UTF8'), v.name, \
             convert_from(v.media_type, 'UTF8'), v.bytes, v.at \
             FROM ROWS JOIN rooms r ON r.name = convert_from(v.room, 'UTF8')",
};

const KEY_BUNDLES: Table = Table {
    count: "SELECT count(*) FROM key_bundles",
    select: "SELECT account, one_time_left, one_time_highest, kem_left, kem_highest, \
             identity_key, signed_id, signed_key, signed_signature, last_resort_id, \
             last_resort_key, last_resort_signature, account FROM key_bundles \
             WHERE account > $1 ORDER BY account LIMIT $2",
    place: &[Text],
    insert: "INSERT INTO key_bundles (account, one_time_left, one_time_highest, kem_left, \
             kem_highest, identity_key, signed_id, signed_key, signed_signature, last_resort_id, \
             last_resort_key, last_resort_signature) \
             SELECT convert_from(v.\"user\", 'UTF8'), v.one_time_left, v.one_time_highest, \
             v.kem_left, v.kem_highest, v.identity_key, v.signed_id, v.signed_key, \
             v.signed_signature, v.last_resort_id, v.last_resort_key, v.last_resort_signature \
             FROM ROWS",
};

const PREKEYS: Table = Table {
    count: "SELECT count(*) FROM prekeys",
    select: "SELECT account, kind::bigint, id, key, signature, account, kind::bigint, id \
             FROM prekeys WHERE (account, kind, id) > ($1, $2, $3) \
             ORDER BY account, kind, id LIMIT $4",
    place: &[Text, Integer, Integer],
    insert: "INSERT INTO prekeys (account, kind, id, key, signature) \
             SELECT convert_from(v.\"user\", 'UTF8'), v.kind, v.id, v.key, v.signature FROM ROWS",
};

/// They get new ids, in the same order.
const JOBS: Table = Table {
    count: "SELECT count(*) FROM jobs",
    select: "SELECT queue, payload, given_at, due, attempts::bigint, error, id FROM jobs \
             WHERE id > $1 ORDER BY id LIMIT $2",
    place: &[Integer],
    insert: "INSERT INTO jobs (queue, payload, given_at, due, attempts, error) \
             SELECT convert_from(v.queue, 'UTF8'), v.payload, v.given_at, v.due, v.attempts, \
             v.error FROM ROWS ORDER BY v.ordinal",
};

const APPLICATIONS: Table = Table {
    count: "SELECT count(*) FROM applications",
    select: "SELECT id, name, enabled::int::bigint, settings, made_at, changed_at, id \
             FROM applications WHERE id > $1 ORDER BY id LIMIT $2",
    place: &[Text],
    insert: "INSERT INTO applications (id, name, enabled, settings, made_at, changed_at) \
             SELECT convert_from(v.id, 'UTF8'), convert_from(v.name, 'UTF8'), v.enabled = 1, \
             convert_from(v.settings, 'UTF8'), v.made_at, v.changed_at FROM ROWS",
};

const APPLICATION_KEYS: Table = Table {
    count: "SELECT count(*) FROM application_keys",
    select: "SELECT key, app, secret, made_at, key FROM application_keys \
             WHERE key > $1 ORDER BY key LIMIT $2",
    place: &[Text],
    insert: "INSERT INTO application_keys (key, app, secret, made_at) \
             SELECT convert_from(v.key, 'UTF8'), convert_from(v.app, 'UTF8'), \
             convert_from(v.secret, 'UTF8'), v.made_at FROM ROWS",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that follow from others or are counted anew, and tables of which nothing is moved.
    const NOT_MOVED: [&str; 10] = [
        "rooms.id",
        "rooms.first_at",
        "rooms.last_week",
        "jobs.id",
        "graves.",
        "spans.",
        "blobs.",
        "blob_parts.",
        "campanile.",
        "transfer.",
    ];

    #[test]
    fn every_table_and_column_is_moved() {
        let schema = [
            include_str!("../../migrations/0001_first.sql"),
            include_str!("../../migrations/0002_jobs.sql"),
            include_str!("../../migrations/0003_prekeys.sql"),
            include_str!("../../migrations/0004_endings.sql"),
            include_str!("../../migrations/0005_transfer.sql"),
            include_str!("../../migrations/0006_retention.sql"),
            include_str!("../../migrations/0007_invites.sql"),
            include_str!("../../migrations/0008_pushes.sql"),
            include_str!("../../migrations/0009_applications.sql"),
        ];
        let mut name = "";
        for line in schema.iter().flat_map(|sql| sql.lines()) {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                name = rest.split(' ').next().unwrap_or_default();
            }
            let added = line.strip_prefix("ALTER TABLE ").and_then(|rest| {
                let (table, column) = rest.split_once(" ADD COLUMN ")?;
                name = table;
                Some(column)
            });
            let column = added.or(line.strip_prefix("    "));
            let column = column.and_then(|column| column.split(' ').next());
            let Some(column) = column.filter(|column| *column != "PRIMARY") else {
                continue;
            };
            let whole = format!("{name}.{column}");
            if NOT_MOVED
                .iter()
                .any(|not| whole == *not || not.ends_with('.') && whole.starts_with(not))
            {
                continue;
            }
            let part = Part::parse(name).unwrap_or_else(|| panic!("nothing moves {name}"));
            let (_, written) = table(part).insert.split_once('(').unwrap();
            let (written, _) = written.split_once(')').unwrap();
            assert!(written.split(", ").any(|one| one == column), "nothing moves {whole}");
        }
    }
}
