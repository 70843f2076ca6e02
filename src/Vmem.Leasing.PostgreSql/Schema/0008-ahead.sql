-- Grants in fewer statements, and commits that do not keep an arena's lock while they wait for the disk.

-- Returns when all that was committed before the call is on the disk, and on the replicas that the server waits for. A program that commits
-- ahead, with synchronous_commit off, calls this in a transaction of its own and uses no answer before it. Then the next in line has the
-- arena's lock while this one waits, and those who wait at the same time share one flush. To set a sequence is the cheapest thing that is
-- written and flushed: it locks no row, and who decodes the log logically sees nothing of it.
CREATE SEQUENCE vmem.flushed;

CREATE FUNCTION vmem.flush() RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  n := setval('vmem.flushed', 1);
END $$;

-- What grant_lease does, and its answer as an array: verdict, start, size, fence, watermark, and 1 if it waited for the lock, 0 if not, null if
-- that was not measured. The usual grant takes three statements here: one that knows the server, locks the arena and draws the fence; one that
-- locks the session and finds what there is; and one that cuts the extent and writes the audit. What is unusual is left to grant_lease, and the
-- fence is put back.
CREATE FUNCTION vmem.grant_quickly(p_arena int, p_session uuid, p_request uuid, p_size bigint, p_min_size bigint, p_align bigint, p_phase bigint,
  p_min bigint, p_max bigint) RETURNS bigint[] LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_fence bigint; q interval; s record; t timestamptz := clock_timestamp(); r int8range; waited int;
BEGIN
  IF p_align = 0 AND p_phase = 0 AND p_min = 0 AND p_max = 0 THEN
    UPDATE vmem.arena a SET fence = a.fence + 1 FROM vmem.server v
     WHERE a.id = p_arena AND v.timeline = vmem._timeline() AND v.started = pg_postmaster_start_time() AND v.phase = 0
     RETURNING a.fence, a.quarantine INTO v_fence, q;
  END IF;
  IF v_fence IS NOT NULL THEN
    -- Without a wait it takes less, and a wait for somebody's flush takes more.
    waited := (clock_timestamp() - t > interval '0.2 ms')::int;
    SELECT x.id, x.state, x.ttl, x.quarantine, x.expires_at, g.range AS given, f.range AS free, f.watermark INTO s
      FROM vmem.session x
      LEFT JOIN vmem.extent g ON g.session = x.id AND g.request = p_request AND g.state = 'L'
      LEFT JOIN LATERAL (SELECT e.range, e.watermark FROM vmem.extent e
                          WHERE e.arena = p_arena AND e.state = 'F' AND upper(e.range) - lower(e.range) >= p_size
                          ORDER BY upper(e.range) - lower(e.range), lower(e.range) LIMIT 1) f ON true
     WHERE x.instance = p_session FOR NO KEY UPDATE OF x;
    t := vmem._now();
    IF s.state = 'L' AND s.expires_at >= t AND s.given IS NULL AND s.free IS NOT NULL AND s.ttl <= q AND s.quarantine >= q THEN
      r := int8range(lower(s.free), lower(s.free) + p_size);
      IF r = s.free THEN
        WITH taken AS (
          UPDATE vmem.extent SET state = 'L', session = s.id, fence = v_fence, request = p_request, since = t, marked = false
           WHERE arena = p_arena AND lower(range) = lower(r) RETURNING fence)
        INSERT INTO vmem.audit (at, event, arena, start, size, session, fence) SELECT t, 5, p_arena, lower(r), p_size, p_session, fence FROM taken;
      ELSE
        WITH cut AS (
          UPDATE vmem.extent SET range = int8range(upper(r), upper(s.free)) WHERE arena = p_arena AND lower(range) = lower(r) RETURNING watermark),
        taken AS (
          INSERT INTO vmem.extent (arena, range, state, session, request, fence, since, watermark)
            SELECT p_arena, r, 'L', s.id, p_request, v_fence, t, watermark FROM cut RETURNING fence)
        INSERT INTO vmem.audit (at, event, arena, start, size, session, fence) SELECT t, 5, p_arena, lower(r), p_size, p_session, fence FROM taken;
      END IF;
      RETURN ARRAY[0, lower(r), p_size, v_fence, s.watermark, waited];
    END IF;
    UPDATE vmem.arena SET fence = v_fence - 1 WHERE id = p_arena;
  END IF;
  RETURN (SELECT ARRAY[g.verdict, g.start, g.size, g.fence, g.watermark, waited]
            FROM vmem.grant_lease(p_arena, p_session, p_request, p_size, p_min_size, p_align, p_phase, p_min, p_max) g);
END $$;

REVOKE ALL ON FUNCTION vmem.flush(), vmem.grant_quickly(int, uuid, uuid, bigint, bigint, bigint, bigint, bigint, bigint) FROM PUBLIC;
REVOKE ALL ON SEQUENCE vmem.flushed FROM PUBLIC;

-- Roles that may lease may call these, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.flush(), vmem.grant_quickly(int, uuid, uuid, bigint, bigint, bigint, bigint, bigint, bigint) TO %s', r.name);
  END LOOP;
END $$;
