-- Applications that operators have made, and their keys with the secrets.
CREATE TABLE applications (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    enabled boolean NOT NULL,
    settings text NOT NULL,
    made_at bigint NOT NULL,
    changed_at bigint NOT NULL
);
CREATE TABLE application_keys (
    key text COLLATE "C" PRIMARY KEY,
    app text COLLATE "C" NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    secret text NOT NULL,
    made_at bigint NOT NULL
);
CREATE INDEX application_keys_by_app ON application_keys (app);
