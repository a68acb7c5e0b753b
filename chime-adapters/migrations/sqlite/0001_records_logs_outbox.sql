-- Records under readable keys, ordered by their bytes.
CREATE TABLE record (
    key      TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    body     BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE counter (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- How far each log has got. `at` is the moment of its last entry, kept or not; moments are milliseconds since 1970.
CREATE TABLE stream (
    id        INTEGER PRIMARY KEY,
    key       TEXT NOT NULL UNIQUE,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    last_kept INTEGER
);

-- Entries of all logs. The row id is the position of the entry's announcement in the outbox, so that an entry that is
-- kept need not be written a second time to be announced.
CREATE TABLE entry (
    position INTEGER PRIMARY KEY,
    stream   INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    id       TEXT NOT NULL,
    at       INTEGER NOT NULL,
    body     BLOB NOT NULL
);
CREATE UNIQUE INDEX entry_seq ON entry (stream, seq);
CREATE UNIQUE INDEX entry_id ON entry (stream, id);

-- Announcements that no entry holds: events, entries that are not kept, and entries that were changed or removed
-- before their announcement was carried on. A row here goes before an entry with its position.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    subject  TEXT NOT NULL,
    id       TEXT,
    seq      INTEGER,
    at       INTEGER,
    body     BLOB NOT NULL
);

-- One row: the newest position, the newest revision, the newest stream id, and what is carried on.
CREATE TABLE progress (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    stream   INTEGER NOT NULL,
    settled  INTEGER NOT NULL
);
INSERT INTO progress VALUES (1, 0, 0, 0, 0);
