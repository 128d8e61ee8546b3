-- Browsers that are told of messages, for as long as the session lasts in which they asked for it.
CREATE TABLE push_subscriptions (
    endpoint TEXT PRIMARY KEY,
    token BLOB NOT NULL REFERENCES sessions (token) ON DELETE CASCADE,
    p256dh BLOB NOT NULL,
    auth BLOB NOT NULL,
    put_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX push_subscriptions_by_token ON push_subscriptions (token);
