-- The tables. Rows of extent tile each arena: every value is in exactly one row, free (0), leased (1) or quarantined (2).
-- Numbers that may have 128 bits are blobs of 16 bytes, the highest first, so that their order is that of the numbers.
-- Times are ticks of 100 ns since the year 1, UTC.
CREATE TABLE schema_version (
  version INTEGER PRIMARY KEY,
  oldest  INTEGER NOT NULL) STRICT;                    -- the oldest version of the library that may use the file

-- One row. How often the file was put back to an older state, and the hold that followed.
CREATE TABLE server (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  incarnation INTEGER NOT NULL,
  phase       INTEGER NOT NULL,
  hold_until  INTEGER NOT NULL) STRICT;
INSERT INTO server VALUES (1, 1, 0, 0);

CREATE TABLE arena (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  start      BLOB NOT NULL CHECK (length(start) = 16),
  size       BLOB NOT NULL CHECK (length(size) = 16),
  quantum    BLOB NOT NULL CHECK (length(quantum) = 16),
  type       TEXT NOT NULL,
  quarantine INTEGER NOT NULL CHECK (quarantine > 0),
  fence      INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE session (
  id         INTEGER PRIMARY KEY,
  instance   BLOB NOT NULL UNIQUE,                     -- drawn by each session: never a name
  owner      TEXT NOT NULL,                            -- for people
  name       TEXT,                                     -- who opens a session of the name inherits what this one leaves; null: it is reclaimed
  process    BLOB,                                     -- the lock file whose lock its process holds while it lives; null: none
  ttl        INTEGER NOT NULL,
  quarantine INTEGER NOT NULL,                         -- from lapse to death: the longest of the arenas that it leased from
  state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),      -- live, lapsed, dead, dead and holds nothing
  beat       INTEGER NOT NULL DEFAULT 0,
  latest     INTEGER NOT NULL,                         -- it uses no time beyond this before its next renewal
  expires    INTEGER NOT NULL,
  lapsed     INTEGER) STRICT;
CREATE INDEX session_state ON session (state);

CREATE TABLE extent (
  arena     INTEGER NOT NULL,
  start     BLOB NOT NULL CHECK (length(start) = 16),
  last      BLOB NOT NULL CHECK (length(last) = 16 AND last >= start),
  size      BLOB NOT NULL CHECK (length(size) = 16),
  state     INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  session   INTEGER,
  request   BLOB,
  fence     INTEGER NOT NULL,
  since     INTEGER NOT NULL,
  watermark INTEGER,
  marked    INTEGER NOT NULL DEFAULT 0,
  CHECK ((state = 1) = (session IS NOT NULL)),
  PRIMARY KEY (arena, start)) STRICT, WITHOUT ROWID;
CREATE INDEX extent_free ON extent (arena, size, start) WHERE state = 0;
CREATE UNIQUE INDEX extent_request ON extent (session, request) WHERE state = 1;
CREATE INDEX extent_quarantine ON extent (arena, since) WHERE state = 2;

-- Append-only; written in the transaction of what it records. Events have the numbers of LeaseEvent. The newest entry is never deleted:
-- its number is the next one's, less one.
CREATE TABLE audit (
  seq     INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  event   INTEGER NOT NULL,
  arena   INTEGER NOT NULL DEFAULT 0,                  -- 0: all
  start   BLOB,
  size    BLOB,
  session BLOB,
  fence   INTEGER NOT NULL DEFAULT 0,
  detail  TEXT NOT NULL DEFAULT '') STRICT;
