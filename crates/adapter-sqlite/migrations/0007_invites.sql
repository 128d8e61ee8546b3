-- Who has the code of one of these may make an account. made_by: NULL on the command line.
CREATE TABLE invites (
    hash BLOB PRIMARY KEY,
    made_by TEXT,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    uses_left INTEGER NOT NULL
) WITHOUT ROWID;
