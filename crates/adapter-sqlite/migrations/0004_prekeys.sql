-- What users publish so that others can begin encrypted sessions with them; opaque here.
-- _left: rows in prekeys; counted here, so that counting all users reads no keys. _highest: the
-- highest id there ever was, -1 before the first.
CREATE TABLE key_bundles (
    user TEXT PRIMARY KEY REFERENCES accounts (name),
    one_time_left INTEGER NOT NULL,
    one_time_highest INTEGER NOT NULL,
    kem_left INTEGER NOT NULL,
    kem_highest INTEGER NOT NULL,
    identity_key BLOB NOT NULL,
    signed_id INTEGER NOT NULL,
    signed_key BLOB NOT NULL,
    signed_signature BLOB NOT NULL,
    last_resort_id INTEGER,
    last_resort_key BLOB,
    last_resort_signature BLOB
) WITHOUT ROWID;

-- Prekeys that are used once and are left. kind: 0 one-time, 1 kem; only the latter are signed.
CREATE TABLE prekeys (
    user TEXT NOT NULL REFERENCES key_bundles (user),
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL,
    key BLOB NOT NULL,
    signature BLOB,
    PRIMARY KEY (user, kind, id)
) WITHOUT ROWID;
