-- Browsers that are told of messages, for as long as the session lasts in which they asked for it.
CREATE TABLE push_subscriptions (
    endpoint text COLLATE "C" PRIMARY KEY,
    token bytea NOT NULL REFERENCES sessions (token) ON DELETE CASCADE,
    p256dh bytea NOT NULL,
    auth bytea NOT NULL,
    put_at bigint NOT NULL
);
CREATE INDEX push_subscriptions_by_token ON push_subscriptions (token);
