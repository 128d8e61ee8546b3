-- When a message of the room was last changed.
ALTER TABLE rooms ADD COLUMN amended_at INTEGER;

-- Jobs, those that were given up among them: these have no time at which they are due.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    payload BLOB NOT NULL,
    given_at INTEGER NOT NULL,
    due INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_by_due ON jobs (queue, due, id);
