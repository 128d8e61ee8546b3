//! How each part is kept here.

use crate::shapes::Shapes;
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

/// What writes records of a part.
pub(super) fn insert(part: Part) -> &'static Shapes {
    static SHAPES: LazyLock<[Shapes; Part::ALL.len()]> = LazyLock::new(|| {
        Part::ALL.map(|part| Shapes::new(table(part).insert, part.columns().len()))
    });
    &SHAPES[part as usize]
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
    select: "SELECT name, password, operator, banned, created_at, last_seen, name FROM accounts \
             WHERE name > ?1 ORDER BY name LIMIT ?2",
    place: &[Text],
    insert: "INSERT INTO accounts (name, password, operator, banned, created_at, last_seen) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const INVITES: Table = Table {
    count: "SELECT count(*) FROM invites",
    select: "SELECT hash, made_by, made_at, expires_at, uses_left, hash FROM invites \
             WHERE hash > ?1 ORDER BY hash LIMIT ?2",
    place: &[Bytes],
    insert: "INSERT INTO invites (hash, made_by, made_at, expires_at, uses_left) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const SESSIONS: Table = Table {
    count: "SELECT count(*) FROM sessions",
    select: "SELECT token, user, expires_at, token FROM sessions WHERE token > ?1 \
             ORDER BY token LIMIT ?2",
    place: &[Bytes],
    insert: "INSERT INTO sessions (token, user, expires_at) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const PUSH_SUBSCRIPTIONS: Table = Table {
    count: "SELECT count(*) FROM push_subscriptions",
    select: "SELECT endpoint, token, p256dh, auth, put_at, endpoint FROM push_subscriptions \
             WHERE endpoint > ?1 ORDER BY endpoint LIMIT ?2",
    place: &[Text],
    insert: "INSERT INTO push_subscriptions (endpoint, token, p256dh, auth, put_at) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

/// The last message's number is not kept: it is that of the last row.
const ROOMS: Table = Table {
    count: "SELECT count(*) FROM rooms",
    select: "SELECT name, kind, topic, epoch, created_at, members, first_seq, \
             coalesce((SELECT max(seq) FROM messages WHERE room_id = id), first_seq - 1), \
             amended_at, retention, id FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?2",
    place: &[Integer],
    insert: "INSERT INTO rooms \
             (name, kind, topic, epoch, created_at, members, first_seq, amended_at, retention) \
             SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, \
             v.column9, v.column10 FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const MEMBERS: Table = Table {
    count: "SELECT count(*) FROM members",
    select: "SELECT r.name, m.user, m.role, m.joined_at, m.read_seq, m.room_id, m.user \
             FROM members m CROSS JOIN rooms r ON r.id = m.room_id \
             WHERE (m.room_id, m.user) > (?1, ?2) ORDER BY m.room_id, m.user LIMIT ?3",
    place: &[Integer, Text],
    insert: "INSERT INTO members (room_id, user, role, joined_at, read_seq) \
             SELECT r.id, v.column2, v.column3, v.column4, v.column5 \
             FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1",
};

const MESSAGES: Table = Table {
    count: "SELECT count(*) FROM messages WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, m.seq, m.author, m.body, m.at, m.key, m.reply_to, m.edited_at, \
             m.deleted, m.room_id, m.seq FROM messages m CROSS JOIN rooms r ON r.id = m.room_id \
             WHERE (m.room_id, m.seq) > (?1, ?2) ORDER BY m.room_id, m.seq LIMIT ?3",
    place: &[Integer, Integer],
    insert: "INSERT INTO messages \
             (room_id, seq, author, body, at, key, reply_to, edited_at, deleted) \
             SELECT r.id, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, \
             v.column8, v.column9 FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1",
};

const REACTIONS: Table = Table {
    count: "SELECT count(*) FROM reactions WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, e.seq, e.place, e.emoji, e.user, e.room_id, e.seq, e.place \
             FROM reactions e CROSS JOIN rooms r ON r.id = e.room_id \
             WHERE (e.room_id, e.seq, e.place) > (?1, ?2, ?3) \
             ORDER BY e.room_id, e.seq, e.place LIMIT ?4",
    place: &[Integer, Integer, Integer],
    insert: "INSERT INTO reactions (room_id, seq, place, emoji, user) \
             SELECT r.id, v.column2, v.column3, v.column4, v.column5 \
             FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1",
};

/// Oldest first, as they are to be here too.
const KEYS: Table = Table {
    count: "SELECT count(*) FROM keys WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT r.name, k.sender, k.key, k.seq, k.at, k.id \
             FROM keys k CROSS JOIN rooms r ON r.id = k.room_id \
             WHERE k.id > ?1 ORDER BY k.id LIMIT ?2",
    place: &[Integer],
    insert: "INSERT INTO keys (room_id, sender, key, seq, at) \
             SELECT r.id, v.column2, v.column3, v.column4, v.column5 \
             FROM ROWS v CROSS JOIN rooms r ON r.name = v.column1",
};

const UPLOADS: Table = Table {
    count: "SELECT count(*) FROM uploads WHERE room_id IN (SELECT id FROM rooms)",
    select: "SELECT u.id, r.name, u.user, u.name, u.media_type, u.bytes, u.at, u.id \
             FROM uploads u CROSS JOIN rooms r ON r.id = u.room_id \
             WHERE u.id > ?1 ORDER BY u.id LIMIT ?2",
    place: &[Bytes],
    insert: "INSERT INTO uploads (id, room_id, user, name, media_type, bytes, at) \
             SELECT v.column1, r.id, v.column3, v.column4, v.column5, v.column6, v.column7 \
             FROM ROWS v CROSS JOIN rooms r ON r.name = v.column2",
};

const KEY_BUNDLES: Table = Table {
    count: "SELECT count(*) FROM key_bundles",
    select: "SELECT user, one_time_left, one_time_highest, kem_left, kem_highest, identity_key, \
             signed_id, signed_key, signed_signature, last_resort_id, last_resort_key, \
             last_resort_signature, user FROM key_bundles WHERE user > ?1 ORDER BY user LIMIT ?2",
    place: &[Text],
    insert: "INSERT INTO key_bundles (user, one_time_left, one_time_highest, kem_left, \
             kem_highest, identity_key, signed_id, signed_key, signed_signature, last_resort_id, \
             last_resort_key, last_resort_signature) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const PREKEYS: Table = Table {
    count: "SELECT count(*) FROM prekeys",
    select: "SELECT user, kind, id, key, signature, user, kind, id FROM prekeys \
             WHERE (user, kind, id) > (?1, ?2, ?3) ORDER BY user, kind, id LIMIT ?4",
    place: &[Text, Integer, Integer],
    insert: "INSERT INTO prekeys (user, kind, id, key, signature) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

/// They get new ids, in the same order.
const JOBS: Table = Table {
    count: "SELECT count(*) FROM jobs",
    select: "SELECT queue, payload, given_at, due, attempts, error, id FROM jobs \
             WHERE id > ?1 ORDER BY id LIMIT ?2",
    place: &[Integer],
    insert: "INSERT INTO jobs (queue, payload, given_at, due, attempts, error) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const APPLICATIONS: Table = Table {
    count: "SELECT count(*) FROM applications",
    select: "SELECT id, name, enabled, settings, made_at, changed_at, id FROM applications \
             WHERE id > ?1 ORDER BY id LIMIT ?2",
    place: &[Text],
    insert: "INSERT INTO applications (id, name, enabled, settings, made_at, changed_at) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

const APPLICATION_KEYS: Table = Table {
    count: "SELECT count(*) FROM application_keys",
    select: "SELECT key, app, secret, made_at, key FROM application_keys \
             WHERE key > ?1 ORDER BY key LIMIT ?2",
    place: &[Text],
    insert: "INSERT INTO application_keys (key, app, secret, made_at) \
             SELECT * FROM ROWS v WHERE v.column1 IS NOT NULL",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use sqlx::query_scalar;

    /// Tables of which nothing is moved.
    const NOT_MOVED: [&str; 4] = ["graves", "pulse", "transfer", "sqlite_sequence"];

    #[tokio::test]
    async fn every_table_and_column_is_moved() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::new(directory.path().join("store.db"));
        drop(config.clone().import().await.unwrap());
        let mut connection = config.connect().await.unwrap();
        let tables: Vec<String> =
            query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        for name in tables.iter().filter(|name| !NOT_MOVED.contains(&name.as_str())) {
            let part = Part::parse(name).unwrap_or_else(|| panic!("nothing moves {name}"));
            let columns: Vec<String> = query_scalar(
                "SELECT name FROM pragma_table_info(?1) WHERE (name, type) <> ('id', 'INTEGER')",
            )
            .bind(name.clone())
            .fetch_all(&mut connection)
            .await
            .unwrap();
            let (_, written) = table(part).insert.split_once('(').unwrap();
            let (written, _) = written.split_once(')').unwrap();
            let written: Vec<&str> = written.split(',').map(str::trim).collect();
            for column in &columns {
                assert!(written.contains(&column.as_str()), "nothing moves {name}.{column}");
            }
        }
    }
}
