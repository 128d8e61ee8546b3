-- How far filling this store from another has come; no row where it was not filled so. part: what
-- is being moved, empty once everything was. place: up to where, as the source says.
CREATE TABLE transfer (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    source TEXT NOT NULL,
    part TEXT NOT NULL,
    place BLOB,
    moved INTEGER NOT NULL,
    finished INTEGER NOT NULL
);
