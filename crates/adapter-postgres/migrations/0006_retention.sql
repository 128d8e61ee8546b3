-- How long a room keeps its messages, in milliseconds; NULL: as long as the server does.
ALTER TABLE rooms ADD COLUMN retention bigint;
DROP INDEX rooms_by_age;
CREATE INDEX rooms_by_age ON rooms (first_at) WHERE retention IS NULL;
CREATE INDEX rooms_by_end ON rooms ((first_at + retention)) WHERE retention IS NOT NULL;
