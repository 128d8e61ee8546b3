-- Applications that operators have made, and their keys with the secrets.
CREATE TABLE applications (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    settings TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE application_keys (
    key TEXT PRIMARY KEY,
    app TEXT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    made_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX application_keys_by_app ON application_keys (app);
