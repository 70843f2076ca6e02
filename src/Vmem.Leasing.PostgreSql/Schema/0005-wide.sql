-- Arenas of values that a bigint does not hold: their extents are counted in quanta from the arena's start. The value of a number n that is
-- kept is base + n * unit, a length is n * unit. What the arenas of before keep are the values: base 0, unit 1.
-- First the locks of this migration and the next, in the order in which each call takes them: a store that is in use goes on after it.
LOCK TABLE vmem.server, vmem.arena IN ACCESS EXCLUSIVE MODE;

ALTER TABLE vmem.arena ADD COLUMN base numeric NOT NULL DEFAULT 0, ADD COLUMN unit numeric NOT NULL DEFAULT 1 CHECK (unit > 0);

-- Finds an arena, or makes it. Whether it agrees with what was wanted is for the caller to see.
CREATE FUNCTION vmem.define_arena(p_name text, p_base numeric, p_unit numeric, p_start bigint, p_size bigint, p_quantum bigint, p_type text,
  p_quarantine interval)
RETURNS TABLE (id int, name text, base numeric, unit numeric, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE made int;
BEGIN
  IF p_start IS NOT NULL AND NOT EXISTS (SELECT FROM vmem.arena a WHERE a.name = p_name) THEN
    INSERT INTO vmem.arena AS n (name, base, unit, range, quantum, type, quarantine)
      VALUES (p_name, p_base, p_unit, int8range(p_start, p_start + p_size), p_quantum, p_type, p_quarantine)
      ON CONFLICT DO NOTHING RETURNING n.id INTO made;
    IF made IS NOT NULL THEN
      INSERT INTO vmem.extent (arena, range, state, since) VALUES (made, int8range(p_start, p_start + p_size), 'F', vmem._now());
    END IF;
  END IF;
  RETURN QUERY SELECT x.* FROM vmem.get_arenas() x WHERE x.name = p_name;
END $$;

CREATE FUNCTION vmem.get_arenas()
RETURNS TABLE (id int, name text, base numeric, unit numeric, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id, a.name, a.base, a.unit, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine FROM vmem.arena a ORDER BY a.id $$;

REVOKE ALL ON FUNCTION vmem.define_arena(text, numeric, numeric, bigint, bigint, bigint, text, interval), vmem.get_arenas() FROM PUBLIC;

-- Roles that may lease may call these, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'grant_lease' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.define_arena(text, numeric, numeric, bigint, bigint, bigint, text, interval), vmem.get_arenas() TO %s', r.name);
  END LOOP;
END $$;
