-- Who had a value, asked by value; and what a library that is too old may do.

-- Of each size that was ever leased the entries whose range may hold a value lie side by side.
CREATE INDEX audit_value ON vmem.audit (arena, size, start) WHERE size > 0;

-- The newest entries with a value in their range, in order. OFFSET 0 keeps the look-ups apart: planned as
-- one join, they are a walk over all. To compile the plan takes longer than to run it.
CREATE FUNCTION vmem.read_history(p_arena int, p_value bigint, p_limit int)
RETURNS TABLE (seq bigint, at timestamptz, event int, arena int, start bigint, size bigint, session uuid, fence bigint, detail text, owner text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
  WITH RECURSIVE sizes (size) AS (
    (SELECT a.size FROM vmem.audit a WHERE a.arena = p_arena AND a.size > 0 ORDER BY a.size LIMIT 1)
    UNION ALL
    SELECT n.size FROM sizes s, LATERAL (SELECT a.size FROM vmem.audit a WHERE a.arena = p_arena AND a.size > 0 AND a.size > s.size ORDER BY a.size LIMIT 1) n)
  SELECT h.*, coalesce(o.owner, '')
    FROM (SELECT x.seq, x.at, x.event, x.arena, x.start, x.size, x.session, x.fence, x.detail
            FROM sizes s, LATERAL (SELECT a.* FROM vmem.audit a
                                    WHERE a.arena = p_arena AND a.size > 0 AND a.size = s.size AND a.start > p_value - s.size AND a.start <= p_value OFFSET 0) x
           ORDER BY x.seq DESC LIMIT p_limit) h
    LEFT JOIN vmem.session o ON o.instance = h.session
   ORDER BY h.seq $$;

-- The oldest library that may use a database. Functions are added and not changed, so that is every one, until a script says otherwise. Its own
-- row is written after it, so it says that in any row that is there: the largest number counts.
ALTER TABLE vmem.schema_version ADD COLUMN oldest int NOT NULL DEFAULT 1;

CREATE FUNCTION vmem.get_oldest() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT max(v.oldest) FROM vmem.schema_version v $$;

-- Libraries before 5 take the numbers that are kept for the values. Of arenas where they are not, they are told nothing. What an arena is never
-- changes, but it may come between two looks: so the check is after the answer was found.
CREATE FUNCTION vmem._refuse_old(p_arena vmem.arena) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_arena.base <> 0 OR p_arena.unit <> 1 THEN
    RAISE EXCEPTION 'Arena ''%'' has values that this version of Vmem.Leasing.PostgreSql cannot read: update the program.', p_arena.name
      USING ERRCODE = 'VM001';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION vmem.ensure_arena(p_name text, p_start bigint, p_size bigint, p_quantum bigint, p_type text, p_quarantine interval)
RETURNS TABLE (id int, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT d.id, d.start, d.size, d.quantum, d.type, d.quarantine
    FROM vmem.define_arena(p_name, 0, 1, p_start, p_size, p_quantum, p_type, p_quarantine) d;
  PERFORM vmem._refuse_old(a) FROM vmem.arena a WHERE a.name = p_name;
END $$;

CREATE OR REPLACE FUNCTION vmem.find_arena(p_arena int) RETURNS TABLE (name text, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT a.name, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine FROM vmem.arena a WHERE a.id = p_arena;
  PERFORM vmem._refuse_old(a) FROM vmem.arena a WHERE a.id = p_arena;
END $$;

CREATE OR REPLACE FUNCTION vmem.list_arenas() RETURNS TABLE (id int, name text, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.name, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine
    FROM vmem.arena a WHERE a.base = 0 AND a.unit = 1 ORDER BY a.id $$;

REVOKE ALL ON FUNCTION vmem.read_history(int, bigint, int), vmem.get_oldest(), vmem._refuse_old(vmem.arena) FROM PUBLIC;

-- Roles that may lease may call these, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.read_history(int, bigint, int), vmem.get_oldest() TO %s', r.name);
  END LOOP;
END $$;
