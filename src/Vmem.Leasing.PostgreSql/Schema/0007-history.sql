-- Who had a value, asked by value; and what a library that is too old may do.

-- Of each size that was ever leased the entries whose range may hold a value lie side by side.
CREATE INDEX audit_value ON vmem.audit (arena, size, start) WHERE size > 0;

-- The newest entries with a value in their range, in order.
CREATE FUNCTION vmem.read_history(p_arena int, p_value bigint, p_limit int)
RETURNS TABLE (seq bigint, at timestamptz, event int, arena int, start bigint, size bigint, session uuid, fence bigint, detail text, owner text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE sizes (size) AS (
    (SELECT a.size FROM vmem.audit a WHERE a.arena = p_arena AND a.size > 0 ORDER BY a.size LIMIT 1)
    UNION ALL
    SELECT n.size FROM sizes s, LATERAL (SELECT a.size FROM vmem.audit a WHERE a.arena = p_arena AND a.size > 0 AND a.size > s.size ORDER BY a.size LIMIT 1) n)
  SELECT h.*, coalesce(o.owner, '')
    FROM (SELECT x.seq, x.at, x.event, x.arena, x.start, x.size, x.session, x.fence, x.detail
            FROM sizes s, LATERAL (SELECT a.* FROM vmem.audit a
                                    WHERE a.arena = p_arena AND a.size > 0 AND a.size = s.size AND a.start > p_value - s.size AND a.start <= p_value) x
           ORDER BY x.seq DESC LIMIT p_limit) h
    LEFT JOIN vmem.session o ON o.instance = h.session
   ORDER BY h.seq $$;

REVOKE ALL ON FUNCTION vmem.read_history(int, bigint, int) FROM PUBLIC;

-- Roles that may lease may call these, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.read_history(int, bigint, int) TO %s', r.name);
  END LOOP;
END $$;
