-- What is known of uploads; their bytes are elsewhere. room_id may be that of a deleted room: the
-- upload is then out of reach, and cleared away later.
CREATE TABLE uploads (
    id BLOB PRIMARY KEY,
    room_id INTEGER NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_of_user ON uploads (user, bytes);
