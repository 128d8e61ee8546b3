-- Who has the code of one of these may make an account. made_by: NULL on the command line.
CREATE TABLE invites (
    hash bytea PRIMARY KEY,
    made_by text COLLATE "C",
    made_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    uses_left bigint NOT NULL
);
