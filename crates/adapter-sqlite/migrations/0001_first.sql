-- Says whose file this is: "CAMP".
PRAGMA application_id = 1128353104;

CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    operator INTEGER NOT NULL,
    banned INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_seen INTEGER
) WITHOUT ROWID;

CREATE TABLE sessions (
    token BLOB PRIMARY KEY,
    user TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- An id is never given again: messages of a deleted room are removed bit by bit.
-- kind: 0 public, 1 private, 2 direct. first_seq: the first message kept; when none is, the next.
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    kind INTEGER NOT NULL,
    topic TEXT NOT NULL DEFAULT '',
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    members INTEGER NOT NULL,
    first_seq INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX public_rooms ON rooms (name) WHERE kind = 0;

-- role: 0 member, 1 owner.
CREATE TABLE members (
    room_id INTEGER NOT NULL REFERENCES rooms (id),
    user TEXT NOT NULL REFERENCES accounts (name),
    role INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user)
) WITHOUT ROWID;
CREATE INDEX rooms_of_user ON members (user, room_id);
CREATE INDEX owners ON members (room_id, user) WHERE role = 1;

-- A room's messages lie side by side. Without gaps: the last one's number is the room's last.
CREATE TABLE messages (
    room_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    key TEXT,
    reply_to INTEGER,
    edited_at INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, seq)
) WITHOUT ROWID;

-- place: the order in which they were made.
CREATE TABLE reactions (
    room_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    place INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    user TEXT NOT NULL,
    PRIMARY KEY (room_id, seq, place)
) WITHOUT ROWID;

-- Idempotency keys, oldest first by id, so that forgetting starts at the front.
CREATE TABLE keys (
    id INTEGER PRIMARY KEY,
    room_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (room_id, sender, key)
);

-- Deleted rooms whose messages, reactions and keys are still to be removed.
CREATE TABLE graves (
    room_id INTEGER PRIMARY KEY
);

-- Written to find out whether writing works again.
CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beats INTEGER NOT NULL
);
INSERT INTO pulse VALUES (1, 0);
