-- What holders leave that do not say, the audit's newest entries, and pruning by number.

-- What a holder leaves to the next if it does not say (R10): the time that its session promised not to pass. If it marked the extent, it
-- has said.
CREATE FUNCTION vmem._left(p_arena int, p_start bigint) RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.latest FROM vmem.extent x JOIN vmem.session s ON s.id = x.session
   WHERE x.arena = p_arena AND lower(x.range) = p_start AND NOT x.marked $$;

CREATE OR REPLACE FUNCTION vmem.release_lease(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint, p_clean bool,
  p_watermark bigint) RETURNS bool LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM vmem._lock(p_arena);
  IF NOT vmem._is_held(p_arena, p_session, p_start, p_size, p_fence) THEN RETURN false; END IF;
  IF NOT p_clean AND p_watermark IS NULL THEN p_watermark := vmem._left(p_arena, p_start); END IF;
  PERFORM vmem._release(p_arena, p_start, p_clean, p_watermark, p_session, vmem._now());
  RETURN true;
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
  FOR e IN SELECT x.arena, lower(x.range) AS start FROM vmem.extent x WHERE x.session = s.id ORDER BY 1, 2 LOOP
    PERFORM vmem._release(e.arena, e.start, p_clean, vmem._left(e.arena, e.start), p_session, t);
  END LOOP;
  UPDATE vmem.session SET state = 'D' WHERE id = s.id;
  PERFORM vmem._note(t, 1, p_session => p_session);
END $$;

CREATE FUNCTION vmem.read_newest_audit(p_arena int, p_limit int)
RETURNS TABLE (seq bigint, at timestamptz, event int, arena int, start bigint, size bigint, session uuid, fence bigint, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM (SELECT x.seq, x.at, x.event, x.arena, x.start, x.size, x.session, x.fence, x.detail FROM vmem.audit x
                  WHERE x.arena IN (0, p_arena) ORDER BY x.seq DESC LIMIT p_limit) n ORDER BY n.seq $$;

-- By number, up to the first entry that is not older: a clock that went back must not leave a grant without its release.
CREATE OR REPLACE FUNCTION vmem._prune(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM vmem.audit WHERE seq < coalesce((SELECT x.seq FROM vmem.audit x WHERE x.at >= p_before ORDER BY x.seq LIMIT 1),
                                              (SELECT max(x.seq) FROM vmem.audit x));
  GET DIAGNOSTICS n = ROW_COUNT;
  DELETE FROM vmem.session s WHERE s.state = 'D' AND s.expires_at < p_before AND NOT EXISTS (SELECT FROM vmem.extent e WHERE e.session = s.id);
  RETURN n;
END $$;

REVOKE ALL ON FUNCTION vmem._left(int, bigint), vmem.read_newest_audit(int, int) FROM PUBLIC;

-- Roles that may lease may ask this, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.read_newest_audit(int, int) TO %s', r.name);
  END LOOP;
END $$;
