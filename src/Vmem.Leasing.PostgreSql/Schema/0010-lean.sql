-- Grants that take less of the server's processor time, and whose plans do not grow old.
-- First the locks, all or none: no order of them suits all calls, so whoever waits for the next one keeps none for long. The wait is
-- shorter than a server takes to look for deadlocks, unless it was told otherwise. Calls go on while this one rests.
DO $$
DECLARE patience timestamptz := clock_timestamp() + interval '10 minutes'; was text := current_setting('lock_timeout');
BEGIN
  PERFORM set_config('lock_timeout', '100ms', true);
  LOOP
    BEGIN
      LOCK TABLE vmem.server, vmem.arena, vmem.session, vmem.extent IN ACCESS EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF clock_timestamp() > patience THEN
        RAISE EXCEPTION 'The tables of the schema vmem were in use for 10 minutes without a pause: end the transactions that hold them, and migrate again.'
          USING ERRCODE = 'lock_not_available';
      END IF;
    END;
    PERFORM pg_sleep(0.05 + 0.1 * random());
  END LOOP;
  PERFORM set_config('lock_timeout', was, true);
END $$;

-- What a reference would look up is locked already. Who writes an extent has locked its arena. Who gives it to a session has locked that,
-- and seen that it lives. Only the dead are deleted, and only those that hold nothing. What a CHECK said, vmem.find_faults looks for:
-- each statement that writes the table parses the text of its CHECKs anew.
ALTER TABLE vmem.extent
  DROP CONSTRAINT extent_arena_fkey, DROP CONSTRAINT extent_session_fkey,
  DROP CONSTRAINT extent_check, DROP CONSTRAINT extent_range_check, DROP CONSTRAINT extent_state_check;

-- The proof (R2): no value is in two extents that are leased, quarantined, or anything else but free. A free one that overlaps is nobody's:
-- what is given of it becomes leased, and is refused here. Of the free extent that each grant cuts, the index had each dead version.
-- IS NOT TRUE keeps it from plans: by this index, all that is leased of an arena would be read where another finds a few.
ALTER TABLE vmem.extent DROP CONSTRAINT extent_no_overlap,
  ADD CONSTRAINT extent_no_overlap EXCLUDE USING gist (arena WITH =, range WITH &&) WHERE ((state = 'F') IS NOT TRUE);

-- An arena's fence changes with each grant, and what is checked never does.
ALTER TABLE vmem.arena DROP CONSTRAINT arena_quantum_check, DROP CONSTRAINT arena_quarantine_check, DROP CONSTRAINT arena_unit_check;

CREATE FUNCTION vmem._check_arena() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.quantum <= 0 OR NEW.unit <= 0 OR NEW.quarantine <= interval '0' OR lower(NEW.range) IS NULL OR upper(NEW.range) IS NULL THEN
    RAISE EXCEPTION 'Size, quantum, unit and quarantine of arena ''%'' must be positive.', NEW.name USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER arena_check BEFORE INSERT ON vmem.arena FOR EACH ROW EXECUTE FUNCTION vmem._check_arena();

-- Cuts [start, start + size) out of a free extent and leases it. All that is given comes by here, or by grant_quickly.
CREATE OR REPLACE FUNCTION vmem._take(e vmem.extent, p_range int8range, p_session bigint, p_fence bigint, p_request uuid, p_at timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF isempty(p_range) THEN RAISE EXCEPTION 'A lease must hold a value.' USING ERRCODE = 'check_violation'; END IF;
  IF e.range = p_range THEN
    UPDATE vmem.extent SET state = 'L', session = p_session, fence = p_fence, request = p_request, since = p_at, marked = false
     WHERE arena = e.arena AND lower(range) = lower(e.range);
    RETURN;
  END IF;
  IF lower(e.range) < lower(p_range) THEN
    UPDATE vmem.extent SET range = int8range(lower(e.range), lower(p_range)) WHERE arena = e.arena AND lower(range) = lower(e.range);
    IF upper(p_range) < upper(e.range) THEN
      INSERT INTO vmem.extent (arena, range, state, fence, since, watermark)
        VALUES (e.arena, int8range(upper(p_range), upper(e.range)), 'F', e.fence, e.since, e.watermark);
    END IF;
  ELSE
    UPDATE vmem.extent SET range = int8range(upper(p_range), upper(e.range)) WHERE arena = e.arena AND lower(range) = lower(e.range);
  END IF;
  INSERT INTO vmem.extent (arena, range, state, session, request, fence, since, watermark)
    VALUES (e.arena, p_range, 'L', p_session, p_request, p_fence, p_at, e.watermark);
END $$;

-- Which sessions are dead, and which are not, without a look at all that ever were. Renewals change neither.
CREATE INDEX session_dead ON vmem.session (id) WHERE state = 'D';
CREATE INDEX session_living ON vmem.session (id) WHERE state <> 'D';

-- The functions below run under an arena's lock, so none may walk over the arena. While a table is small, all its indexes seem to cost the
-- same. So each look-up leaves but one that can be used. An extent is found by where it begins, and what it is is looked at afterwards.
-- OFFSET 0 keeps a look-up apart from conditions and an order that another index would have. That is why arena + 0 is indexed, too.
DROP INDEX vmem.extent_quarantine;
CREATE INDEX extent_quarantine ON vmem.extent ((arena + 0), since) WHERE state = 'Q';

CREATE OR REPLACE FUNCTION vmem._is_held(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint) RETURNS bool
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM (SELECT * FROM vmem.extent WHERE arena = p_arena AND lower(range) = p_start OFFSET 0) x
                   JOIN vmem.session s ON s.id = x.session
                  WHERE x.range = int8range(p_start, p_start + p_size) AND x.state = 'L' AND s.instance = p_session AND x.fence = p_fence) $$;

-- A leased or quarantined extent becomes free, and one with free neighbours. The larger fence and watermark win (R10).
CREATE OR REPLACE FUNCTION vmem._free(p_arena int, p_start bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE e vmem.extent; l vmem.extent; u vmem.extent;
BEGIN
  SELECT * INTO STRICT e FROM vmem.extent WHERE arena = p_arena AND lower(range) = p_start;
  PERFORM vmem._note(p_at, 8, p_arena, e.range, p_fence => e.fence);
  SELECT * INTO l FROM vmem.extent WHERE arena = p_arena AND lower(range) < p_start ORDER BY lower(range) DESC LIMIT 1;
  IF l.state = 'F' AND upper(l.range) = p_start THEN
    DELETE FROM vmem.extent WHERE arena = p_arena AND lower(range) = lower(l.range);
  ELSE
    l := NULL;
  END IF;
  SELECT * INTO u FROM vmem.extent WHERE arena = p_arena AND lower(range) = upper(e.range);
  IF u.state = 'F' THEN
    DELETE FROM vmem.extent WHERE arena = p_arena AND lower(range) = lower(u.range);
  ELSE
    u := NULL;
  END IF;
  UPDATE vmem.extent SET range = int8range(coalesce(lower(l.range), lower(e.range)), coalesce(upper(u.range), upper(e.range))), state = 'F',
    session = NULL, request = NULL, marked = false, since = p_at, fence = greatest(e.fence, l.fence, u.fence),
    watermark = greatest(e.watermark, l.watermark, u.watermark)
   WHERE arena = p_arena AND lower(range) = p_start;
  RETURN upper(e.range) - lower(e.range);
END $$;

CREATE OR REPLACE FUNCTION vmem.close_session(p_session uuid, p_clean bool) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s vmem.session; e record; t timestamptz;
BEGIN
  PERFORM vmem._server_ok();
  PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session FOR UPDATE;
  IF NOT FOUND OR s.state = 'D' THEN RETURN; END IF;
  t := vmem._now();
  FOR e IN SELECT h.arena, h.start
             FROM (SELECT x.arena, lower(x.range) AS start FROM vmem.extent x WHERE x.session = s.id AND x.state = 'L' OFFSET 0) h
            ORDER BY 1, 2 LOOP
    PERFORM vmem._release(e.arena, e.start, p_clean, vmem._left(e.arena, e.start), p_session, t);
  END LOOP;
  UPDATE vmem.session SET state = 'D' WHERE id = s.id;
  PERFORM vmem._note(t, 1, p_session => p_session);
END $$;

-- Numbers of LeaseReassertion.
CREATE OR REPLACE FUNCTION vmem.reassert(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint, p_request uuid) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r int8range := int8range(p_start, p_start + p_size); ok bool := vmem._server_ok(); a vmem.arena := vmem._lock(p_arena);
  e vmem.extent; s vmem.session; t timestamptz;
BEGIN
  IF vmem._is_held(p_arena, p_session, p_start, p_size, p_fence) THEN RETURN 0; END IF;
  IF ok THEN RETURN 2; END IF;
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session FOR NO KEY UPDATE;
  IF NOT FOUND OR s.state <> 'L' THEN RETURN 4; END IF;
  SELECT * INTO e FROM vmem.extent x WHERE x.arena = p_arena AND lower(x.range) <= p_start ORDER BY lower(x.range) DESC LIMIT 1;
  IF NOT FOUND OR e.state <> 'F' OR NOT e.range @> r OR p_fence > a.fence THEN RETURN 3; END IF;
  t := vmem._now();
  UPDATE vmem.session x SET quarantine = greatest(x.quarantine, a.quarantine) WHERE x.id = s.id;
  PERFORM vmem._take(e, r, s.id, p_fence, p_request, t);
  PERFORM vmem._note(t, 10, p_arena, r, p_session, p_fence);
  RETURN 1;
END $$;

-- Lapses, and a quarantine later, in another call, buries sessions; frees what the dead held and what was quarantined for long enough (R3).
-- To subtract the quarantine is what the index can do. To add it is what counts: the two differ where a day is not 24 hours.
CREATE OR REPLACE FUNCTION vmem.sweep(p_arena int) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ok bool := vmem._server_ok(); a vmem.arena := vmem._lock(p_arena); t timestamptz := vmem._now(); r record; freed bigint := 0;
BEGIN
  IF NOT ok THEN RETURN 0; END IF;
  FOR r IN SELECT s.id, s.instance FROM vmem.session s WHERE s.state = 'P' AND s.lapsed_at + s.quarantine < t FOR UPDATE SKIP LOCKED LOOP
    UPDATE vmem.session SET state = 'D' WHERE id = r.id;
    PERFORM vmem._note(t, 4, p_session => r.instance);
  END LOOP;
  FOR r IN SELECT s.id, s.instance FROM vmem.session s WHERE s.state = 'L' AND s.expires_at < t FOR UPDATE SKIP LOCKED LOOP
    UPDATE vmem.session SET state = 'P', lapsed_at = t WHERE id = r.id;
    PERFORM vmem._note(t, 2, p_session => r.instance);
  END LOOP;
  FOR r IN SELECT lower(h.range) AS start, h.range, h.fence, h.marked, s.instance, s.latest
             FROM vmem.session s, LATERAL (SELECT x.* FROM vmem.extent x WHERE x.session = s.id AND x.state = 'L' OFFSET 0) h
            WHERE s.state = 'D' AND h.arena = p_arena ORDER BY 1 LOOP
    UPDATE vmem.extent x SET watermark = CASE WHEN r.marked THEN x.watermark ELSE greatest(x.watermark, r.latest) END
     WHERE x.arena = p_arena AND lower(x.range) = r.start;
    PERFORM vmem._note(t, 7, p_arena, r.range, r.instance, r.fence);
    freed := freed + vmem._free(p_arena, r.start, t);
  END LOOP;
  FOR r IN SELECT q.start
             FROM (SELECT lower(x.range) AS start FROM vmem.extent x
                    WHERE x.arena + 0 = p_arena AND x.state = 'Q' AND x.since < t - a.quarantine AND x.since + a.quarantine < t OFFSET 0) q
            ORDER BY 1 LOOP
    freed := freed + vmem._free(p_arena, r.start, t);
  END LOOP;
  RETURN freed;
END $$;

-- By number, up to the first entry that is not older: a clock that went back must not leave a grant without its release.
CREATE OR REPLACE FUNCTION vmem._prune(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM vmem.audit WHERE seq < coalesce((SELECT x.seq FROM vmem.audit x WHERE x.at >= p_before ORDER BY x.seq LIMIT 1),
                                              (SELECT max(x.seq) FROM vmem.audit x));
  GET DIAGNOSTICS n = ROW_COUNT;
  DELETE FROM vmem.session s WHERE s.state = 'D' AND s.expires_at < p_before
    AND NOT EXISTS (SELECT FROM vmem.extent e WHERE e.session = s.id AND e.state = 'L');
  RETURN n;
END $$;

-- What must never be, and what no constraint refuses any more. Extents of no arena are told of each.
-- Without both ends an extent has no place, and cannot be listed: then the start is null.
CREATE FUNCTION vmem.find_faults(p_arena int) RETURNS TABLE (start bigint, fault text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN upper(e.range) IS NOT NULL THEN lower(e.range) END, f.fault
    FROM vmem.extent e, LATERAL (VALUES
      (NOT EXISTS (SELECT FROM vmem.arena a WHERE a.id = e.arena), format('its arena %s does not exist', e.arena)),
      (e.session IS NOT NULL AND NOT EXISTS (SELECT FROM vmem.session s WHERE s.id = e.session),
        format('its session %s does not exist', e.session)),
      ((e.state = 'L') <> (e.session IS NOT NULL), 'it is leased without a session, or has a session and is not leased'),
      (e.state NOT IN ('F', 'L', 'Q'), format('its state %L is unknown', e.state)),
      (lower(e.range) IS NULL OR upper(e.range) IS NULL, format('its range %s is empty or has no end', e.range))) f (is_so, fault)
   WHERE f.is_so AND (e.arena = p_arena OR NOT EXISTS (SELECT FROM vmem.arena a WHERE a.id = e.arena))
   ORDER BY 1, 2 $$;

-- What grant_lease does, and its answer as an array: verdict, start, size, fence, watermark, and 1 if another's grant went first, 0 if
-- none did, null if nobody knows. Of the usual grant one statement knows the server, locks the arena and draws the fence. One locks the
-- session and finds what there is. Three write one row each. What is unusual is left to grant_lease, and the fence is put back.
--
-- Another's grant went first if the arena's row, as the statement found it, has an older fence than as it locked it. To measure the wait
-- by the clock would not do: on a busy machine whoever waits for a processor seems to have waited for the lock.
CREATE OR REPLACE FUNCTION vmem.grant_quickly(p_arena int, p_session uuid, p_request uuid, p_size bigint, p_min_size bigint, p_align bigint,
  p_phase bigint, p_min bigint, p_max bigint) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE f bigint; q interval; waited bigint; s record; t timestamptz; lease_end bigint;
BEGIN
  IF p_align = 0 AND p_phase = 0 AND p_min = 0 AND p_max = 0 THEN
    UPDATE vmem.arena a SET fence = a.fence + 1 FROM vmem.server v, vmem.arena found
     WHERE a.id = p_arena AND found.id = p_arena
       AND v.one AND v.timeline = vmem._timeline() AND v.started = pg_postmaster_start_time() AND v.phase = 0
     RETURNING a.fence, a.quarantine, (a.fence - found.fence > 1)::int INTO f, q, waited;
  END IF;
  IF f IS NOT NULL THEN
    SELECT x.id, x.state = 'L' AND x.ttl <= q AND x.quarantine >= q AS fits, x.expires_at, g.arena AS given,
           lower(e.range) AS start, upper(e.range) AS beyond, e.watermark INTO s
      FROM vmem.session x
      LEFT JOIN vmem.extent g ON g.session = x.id AND g.request = p_request AND g.state = 'L'
      LEFT JOIN LATERAL (SELECT y.range, y.watermark FROM vmem.extent y
                          WHERE y.arena = p_arena AND y.state = 'F' AND upper(y.range) - lower(y.range) >= p_size
                          ORDER BY upper(y.range) - lower(y.range), lower(y.range) LIMIT 1) e ON true
     WHERE x.instance = p_session FOR NO KEY UPDATE OF x;
    t := vmem._now();
    IF s.fits AND s.expires_at >= t AND s.given IS NULL AND s.start IS NOT NULL AND p_size > 0 THEN
      lease_end := s.start + p_size;
      IF lease_end = s.beyond THEN
        UPDATE vmem.extent SET state = 'L', session = s.id, fence = f, request = p_request, since = t, marked = false
         WHERE arena = p_arena AND lower(range) = s.start;
      ELSE
        UPDATE vmem.extent SET range = int8range(lease_end, s.beyond) WHERE arena = p_arena AND lower(range) = s.start;
        INSERT INTO vmem.extent (arena, range, state, session, request, fence, since, watermark)
          VALUES (p_arena, int8range(s.start, lease_end), 'L', s.id, p_request, f, t, s.watermark);
      END IF;
      INSERT INTO vmem.audit (at, event, arena, start, size, session, fence) VALUES (t, 5, p_arena, s.start, p_size, p_session, f);
      RETURN ARRAY[0, s.start, p_size, f, s.watermark, waited];
    END IF;
    UPDATE vmem.arena SET fence = f - 1 WHERE id = p_arena;
  END IF;
  RETURN (SELECT ARRAY[g.verdict, g.start, g.size, g.fence, g.watermark, waited]
            FROM vmem.grant_lease(p_arena, p_session, p_request, p_size, p_min_size, p_align, p_phase, p_min, p_max) g);
END $$;

-- A connection keeps its plans. Those that were made when a table had a few rows read it from end to end, until it is analysed again,
-- however long it has become. So these never do that where there is an index. What has none seems to cost very much, and must not be
-- compiled.
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'vmem'
    AND p.proname IN ('grant_quickly', 'grant_lease', 'release_lease', 'renew', 'mark', 'reassert', 'sweep', 'close_session') LOOP
    EXECUTE format('ALTER FUNCTION %s SET enable_seqscan = off', f);
    EXECUTE format('ALTER FUNCTION %s SET jit = off', f);
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION vmem._check_arena(), vmem.find_faults(int) FROM PUBLIC;

-- Roles that may lease may ask this, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.find_faults(int) TO %s', r.name);
  END LOOP;
END $$;
