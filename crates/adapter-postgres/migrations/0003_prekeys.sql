-- What users publish so that others can begin encrypted sessions with them; opaque here.
-- _left: rows in prekeys; counted here, so that counting all users reads no keys. _highest: the
-- highest id there ever was, -1 before the first.
CREATE TABLE key_bundles (
    account text COLLATE "C" PRIMARY KEY REFERENCES accounts (name),
    one_time_left bigint NOT NULL,
    one_time_highest bigint NOT NULL,
    kem_left bigint NOT NULL,
    kem_highest bigint NOT NULL,
    identity_key bytea NOT NULL,
    signed_id bigint NOT NULL,
    signed_key bytea NOT NULL,
    signed_signature bytea NOT NULL,
    last_resort_id bigint,
    last_resort_key bytea,
    last_resort_signature bytea
) WITH (fillfactor = 80);

-- Prekeys that are used once and are left. kind: 0 one-time, 1 kem; only the latter are signed.
CREATE TABLE prekeys (
    account text COLLATE "C" NOT NULL REFERENCES key_bundles (account),
    kind smallint NOT NULL,
    id bigint NOT NULL,
    key bytea NOT NULL,
    signature bytea,
    PRIMARY KEY (account, kind, id)
);
