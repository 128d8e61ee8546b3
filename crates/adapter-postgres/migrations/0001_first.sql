-- Says whose database this is, and which version its schema has. beats: written to find out
-- whether writing works.
CREATE TABLE campanile (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL,
    beats bigint NOT NULL DEFAULT 0
);
INSERT INTO campanile (version) VALUES (1);

-- Names compare byte by byte, whatever the database's language is. What people write is bytea: it
-- may hold the character NUL, which text may not.
CREATE TABLE accounts (
    name text COLLATE "C" PRIMARY KEY,
    password text NOT NULL,
    operator boolean NOT NULL,
    banned boolean NOT NULL DEFAULT false,
    created_at bigint NOT NULL,
    last_seen bigint
) WITH (fillfactor = 80);

CREATE TABLE sessions (
    token bytea PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_of_account ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- kind: 0 public, 1 private, 2 direct. first_seq: the first message kept; when none is, the next.
-- first_at: when that one was stored. last_week: the partition that has the last message.
-- Half of each page is left free: a room's row changes with each of its messages, and stays where
-- it is as long as there is space beside it.
CREATE TABLE rooms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    kind smallint NOT NULL,
    topic bytea NOT NULL DEFAULT '',
    epoch bigint NOT NULL,
    created_at bigint NOT NULL,
    members bigint NOT NULL,
    first_seq bigint NOT NULL DEFAULT 1,
    last_seq bigint NOT NULL DEFAULT 0,
    first_at bigint,
    last_week integer,
    amended_at bigint
) WITH (fillfactor = 50);
CREATE INDEX public_rooms ON rooms (name) WHERE kind = 0;
CREATE INDEX rooms_by_age ON rooms (first_at);

-- role: 0 member, 1 owner.
CREATE TABLE members (
    room_id bigint NOT NULL REFERENCES rooms (id),
    account text COLLATE "C" NOT NULL REFERENCES accounts (name),
    role smallint NOT NULL,
    joined_at bigint NOT NULL,
    read_seq bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, account)
) WITH (fillfactor = 80);
CREATE INDEX rooms_of_account ON members (account, room_id);
CREATE INDEX owners ON members (room_id, account) WHERE role = 1;

-- One partition for each week. week: that of `at`, but never below that of the message before, so
-- that a partition has a stretch of each room without a hole.
CREATE TABLE messages (
    room_id bigint NOT NULL,
    seq bigint NOT NULL,
    week integer NOT NULL,
    author text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    at bigint NOT NULL,
    key bytea,
    reply_to bigint,
    edited_at bigint,
    deleted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (room_id, seq, week)
) PARTITION BY RANGE (week);

-- Where the messages of a room are: from first_seq on in this week, up to the room's next span.
CREATE TABLE spans (
    room_id bigint NOT NULL,
    first_seq bigint NOT NULL,
    week integer NOT NULL,
    PRIMARY KEY (room_id, first_seq)
);
CREATE INDEX spans_of_week ON spans (week);

-- place: the order in which they were made.
CREATE TABLE reactions (
    room_id bigint NOT NULL,
    seq bigint NOT NULL,
    place integer NOT NULL,
    emoji bytea NOT NULL,
    account text COLLATE "C" NOT NULL,
    PRIMARY KEY (room_id, seq, place)
);

-- Idempotency keys.
CREATE TABLE keys (
    room_id bigint NOT NULL,
    sender text COLLATE "C" NOT NULL,
    key bytea NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (room_id, sender, key)
);
CREATE INDEX keys_by_age ON keys (at);

-- Deleted rooms whose messages, reactions and keys are still to be removed.
CREATE TABLE graves (
    room_id bigint PRIMARY KEY
);

-- What is known of uploads; their bytes are elsewhere. room_id may be that of a deleted room: the
-- upload is then out of reach, and cleared away later.
CREATE TABLE uploads (
    id bytea PRIMARY KEY,
    room_id bigint NOT NULL,
    account text COLLATE "C" NOT NULL,
    name bytea NOT NULL,
    media_type text NOT NULL,
    bytes bigint NOT NULL,
    at bigint NOT NULL
);
CREATE INDEX uploads_of_account ON uploads (account, bytes);
CREATE INDEX uploads_of_room ON uploads (room_id);

-- The bytes of uploads, in parts. A draft that has no blob is being written, or was given up.
CREATE TABLE blob_parts (
    draft bytea NOT NULL,
    part integer NOT NULL,
    bytes bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (draft, part)
);
CREATE TABLE blobs (
    id bytea PRIMARY KEY,
    draft bytea NOT NULL UNIQUE
);
