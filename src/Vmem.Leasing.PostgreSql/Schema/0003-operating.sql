-- What operators ask: which arenas and sessions there are.
CREATE FUNCTION vmem.list_arenas() RETURNS TABLE (id int, name text, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.name, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine FROM vmem.arena a ORDER BY a.id $$;

CREATE FUNCTION vmem.list_sessions() RETURNS TABLE (session uuid, owner text, state "char", ttl interval, expires_at timestamptz, beat bigint, held bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.instance, s.owner, s.state, s.ttl, s.expires_at, s.beat, h.held
    FROM vmem.session s, LATERAL (SELECT count(*) AS held FROM vmem.extent e WHERE e.session = s.id AND e.state = 'L') h
   WHERE s.state <> 'D' OR h.held > 0 ORDER BY s.id $$;

-- Deletes what the audit says of the time before, but for the newest entry, and sessions that were over by then and hold nothing. For the
-- schema's owner alone: programs can add to the audit, and not take from it.
CREATE FUNCTION vmem._prune(p_before timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM vmem.audit WHERE at < p_before AND seq < (SELECT max(x.seq) FROM vmem.audit x);
  GET DIAGNOSTICS n = ROW_COUNT;
  DELETE FROM vmem.session s WHERE s.state = 'D' AND s.expires_at < p_before AND NOT EXISTS (SELECT FROM vmem.extent e WHERE e.session = s.id);
  RETURN n;
END $$;

REVOKE ALL ON FUNCTION vmem.list_arenas(), vmem.list_sessions(), vmem._prune(timestamptz) FROM PUBLIC;

-- Roles that may lease may ask these, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.list_arenas(), vmem.list_sessions() TO %s', r.name);
  END LOOP;
END $$;
