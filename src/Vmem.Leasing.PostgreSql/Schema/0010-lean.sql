-- Grants that take less of the server's processor time, and whose plans do not grow old.
-- First the locks, in the order in which each call takes them: a store that is in use goes on after it.
LOCK TABLE vmem.server, vmem.arena, vmem.session, vmem.extent IN ACCESS EXCLUSIVE MODE;

-- What a reference would look up is locked already. Who writes an extent has locked its arena. Who gives it to a session has locked that,
-- and seen that it lives. Only the dead are deleted, and only those that hold nothing. What a CHECK said, vmem.find_faults looks for:
-- each statement that writes the table parses the text of its CHECKs anew.
ALTER TABLE vmem.extent
  DROP CONSTRAINT extent_arena_fkey, DROP CONSTRAINT extent_session_fkey,
  DROP CONSTRAINT extent_check, DROP CONSTRAINT extent_range_check, DROP CONSTRAINT extent_state_check;

-- The proof (R2): no value is in two extents that are leased, quarantined, or anything else but free. A free one that overlaps is nobody's:
-- what is given of it becomes leased, and is refused here. Of the free extent that each grant cuts, the index had each dead version.
ALTER TABLE vmem.extent DROP CONSTRAINT extent_no_overlap,
  ADD CONSTRAINT extent_no_overlap EXCLUDE USING gist (arena WITH =, range WITH &&) WHERE (state <> 'F');

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

-- What must never be, and what no constraint refuses any more. Extents of no arena are told of each.
CREATE FUNCTION vmem.find_faults(p_arena int) RETURNS TABLE (start bigint, fault text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT lower(e.range), f.fault
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
