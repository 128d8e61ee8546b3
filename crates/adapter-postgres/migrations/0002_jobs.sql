-- Jobs, those that were given up among them: these have no time at which they are due.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    given_at bigint NOT NULL,
    due bigint,
    attempts integer NOT NULL DEFAULT 0,
    error bytea NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX jobs_by_due ON jobs (queue, due, id);
