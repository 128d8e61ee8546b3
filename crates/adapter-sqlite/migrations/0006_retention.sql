-- How long a room keeps its messages, in milliseconds; NULL: as long as the server does.
ALTER TABLE rooms ADD COLUMN retention INTEGER;
