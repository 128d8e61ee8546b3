-- How far filling this store from another has come; no row where it was not filled so. part: what
-- is being moved, empty once everything was. place: up to where, as the source says.
CREATE TABLE transfer (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    source text NOT NULL,
    part text NOT NULL,
    place bytea,
    moved bigint NOT NULL,
    finished boolean NOT NULL
);
