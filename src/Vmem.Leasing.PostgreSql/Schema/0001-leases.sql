-- The tables. Rows of vmem.extent tile each arena: every value is in exactly one row, free (F), leased (L) or quarantined (Q).
-- Nobody but the owner may read or write them: the functions of 0002 are the only way in (R0).
CREATE SCHEMA IF NOT EXISTS vmem;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE vmem.schema_version (
  version    int PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp());

-- One row. Which server this is: another timeline or another system means a failover or a restoration, and begins a hold (R4).
CREATE TABLE vmem.server (
  one         bool PRIMARY KEY DEFAULT true CHECK (one),
  system_id   text NOT NULL,
  timeline    text NOT NULL,
  incarnation int NOT NULL DEFAULT 1,
  phase       int NOT NULL DEFAULT 0,
  hold_until  timestamptz NOT NULL DEFAULT '-infinity');

CREATE TABLE vmem.arena (
  id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  range      int8range NOT NULL,
  quantum    bigint NOT NULL CHECK (quantum > 0),
  type       text NOT NULL,
  quarantine interval NOT NULL CHECK (quarantine > interval '0'),
  fence      bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE vmem.session (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  instance   uuid NOT NULL UNIQUE,                     -- drawn by each session: never a name (R7)
  owner      text NOT NULL,                            -- for people
  ttl        interval NOT NULL,
  quarantine interval NOT NULL,                        -- from lapse to death: the longest of the arenas that it leased from
  state      "char" NOT NULL DEFAULT 'L' CHECK (state IN ('L', 'P', 'D')),    -- live, lapsed, dead for ever
  beat       bigint NOT NULL DEFAULT 0,
  latest     bigint NOT NULL,                          -- it uses no time beyond this before its next renewal
  expires_at timestamptz NOT NULL,
  lapsed_at  timestamptz
) WITH (fillfactor = 50);                              -- no index on what renewals change

CREATE TABLE vmem.extent (
  arena      int NOT NULL REFERENCES vmem.arena,
  range      int8range NOT NULL CHECK (NOT isempty(range) AND NOT lower_inf(range) AND NOT upper_inf(range)),
  state      "char" NOT NULL CHECK (state IN ('F', 'L', 'Q')),
  session    bigint REFERENCES vmem.session,
  request    uuid,
  fence      bigint NOT NULL DEFAULT 0,
  since      timestamptz NOT NULL,
  watermark  bigint,
  marked     bool NOT NULL DEFAULT false,
  CHECK ((state = 'L') = (session IS NOT NULL)),
  CONSTRAINT extent_no_overlap EXCLUDE USING gist (arena WITH =, range WITH &&));      -- the proof (R2); the lock is the arena's row
CREATE UNIQUE INDEX extent_start ON vmem.extent (arena, lower(range));
CREATE INDEX extent_free ON vmem.extent (arena, (upper(range) - lower(range)), lower(range)) WHERE state = 'F';
CREATE UNIQUE INDEX extent_request ON vmem.extent (session, request) WHERE state = 'L';
CREATE INDEX extent_quarantine ON vmem.extent (arena, since) WHERE state = 'Q';

-- Append-only; written in the transaction of what it records. Events have the numbers of LeaseEvent.
CREATE TABLE vmem.audit (
  seq      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at       timestamptz NOT NULL,
  event    int NOT NULL,
  arena    int NOT NULL DEFAULT 0,                     -- 0: all
  start    bigint NOT NULL DEFAULT 0,
  size     bigint NOT NULL DEFAULT 0,
  session  uuid,
  fence    bigint NOT NULL DEFAULT 0,
  detail   text NOT NULL DEFAULT '');
CREATE INDEX audit_arena ON vmem.audit (arena, seq);

REVOKE ALL ON ALL TABLES IN SCHEMA vmem FROM PUBLIC;
