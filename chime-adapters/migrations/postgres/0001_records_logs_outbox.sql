-- Keys and ids are bytes: they may hold any character, U+0000 too, which a text of Postgres cannot; and bytes order as
-- the port wants it under every collation. `convert_from(key, 'UTF8')` shows one.
CREATE TABLE record (
    key      bytea PRIMARY KEY,
    revision bigint NOT NULL,
    body     bytea NOT NULL
);

-- Revisions of all records: a number is given once, whatever becomes of the transaction.
CREATE SEQUENCE revision;

CREATE TABLE counter (
    key   bytea PRIMARY KEY,
    value bigint NOT NULL
);

-- How far each log has got. `at` is the moment of its last entry, kept or not; moments are milliseconds since 1970.
CREATE TABLE stream (
    id        bigint PRIMARY KEY,
    key       bytea NOT NULL UNIQUE,
    seq       bigint NOT NULL,
    at        bigint NOT NULL,
    last_kept bigint
);

-- Ids of streams, in blocks of 2^20: whoever takes a value v may give out those from v * 2^20 on.
CREATE SEQUENCE stream_block;

CREATE TABLE entry (
    stream bigint NOT NULL,
    seq    bigint NOT NULL,
    id     bytea NOT NULL,
    at     bigint NOT NULL,
    body   bytea NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE UNIQUE INDEX entry_id ON entry (stream, id);

-- What was announced and may not have been carried on by every node. Positions have no gaps and are in commit order:
-- whoever commits takes an advisory lock last, until the end of the transaction, and goes on from the newest row. So
-- that row is never deleted. (A row that counted would be updated by every commit, and a long dump, which keeps all its
-- versions, would make each update slower than the one before.)
CREATE TABLE outbox (
    position bigint PRIMARY KEY,
    subject  bytea NOT NULL,
    id       bytea,
    seq      bigint,
    at       bigint,
    body     bytea NOT NULL
);
INSERT INTO outbox VALUES (0, '', NULL, NULL, NULL, '');

-- One row: announcements up to here may be gone.
CREATE TABLE outbox_floor (
    one      integer PRIMARY KEY CHECK (one = 1),
    position bigint NOT NULL
);
INSERT INTO outbox_floor VALUES (1, 0);

-- How far each node has carried announcements on, and when it said so.
CREATE TABLE outbox_cursor (
    node     text PRIMARY KEY,
    position bigint NOT NULL,
    seen_at  timestamptz NOT NULL
);

-- The last transaction of each committer, by a mark that it chose: whoever lost the answer to a COMMIT puts a fence at
-- its mark, which waits for the transaction if it is there already, and keeps it out if it is not.
CREATE TABLE committer (
    node   text NOT NULL,
    mark   bigint NOT NULL,
    place  integer NOT NULL,
    fenced boolean NOT NULL,
    PRIMARY KEY (node, mark)
);

-- The least sequence number of a stream at and behind which all entries are at `moment` or later (`inclusive`), or
-- later than it; `past` when none below that is. Moments never go back within a stream, so it halves the range instead
-- of reading it.
CREATE FUNCTION entry_bound(of_stream bigint, past bigint, moment bigint, inclusive boolean) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    low bigint := 1;
    high bigint := past;
    middle bigint;
    found_seq bigint;
    found_at bigint;
BEGIN
    WHILE low < high LOOP
        middle := low + (high - low) / 2;
        SELECT entry.seq, entry.at INTO found_seq, found_at FROM entry
            WHERE entry.stream = of_stream AND entry.seq >= middle ORDER BY entry.seq LIMIT 1;
        IF found_seq IS NOT NULL AND (found_at < moment OR (found_at = moment AND NOT inclusive)) THEN
            low := found_seq + 1;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN LEAST(low, past);
END
$$;
