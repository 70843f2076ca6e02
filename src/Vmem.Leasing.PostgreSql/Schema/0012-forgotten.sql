-- What a failover may have forgotten besides grants: whole arenas, and an earlier failover. And days, which are not always 24 hours.

-- How long a phase of a hold takes: nobody who was granted anything believes longer in silence, be it in an arena that nobody remembers. Where
-- no arena is known, it is the quarantine that an arena has unless somebody says otherwise.
CREATE FUNCTION vmem._phase_length() RETURNS interval LANGUAGE sql STABLE AS $$
  SELECT greatest((SELECT coalesce(max(quarantine), interval '30 seconds') FROM vmem.arena),
                  (SELECT max(ttl) FROM vmem.session WHERE state <> 'D')) $$;

-- Is this still the server we knew, and is no hold on? (R4) Each phase is stamped when the one before has ended.
-- Two replicas that are promoted one after the other may not know of each other. Where they share an archive, their timelines differ, and so
-- do their incarnations, and their fences. The numbers of arenas jump, as fences do: whoever leased of one that was forgotten names its
-- number, which must never be that of another.
CREATE OR REPLACE FUNCTION vmem._server_ok() RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
DECLARE s vmem.server; tl text := vmem._timeline(); sys text; t timestamptz; q interval; next int; numbers regclass;
BEGIN
  SELECT * INTO STRICT s FROM vmem.server;
  IF s.timeline = tl AND s.started = pg_postmaster_start_time() AND s.phase = 0 THEN RETURN true; END IF;
  SELECT * INTO STRICT s FROM vmem.server FOR UPDATE;
  sys := vmem._system_id();
  q := vmem._phase_length();
  t := vmem._now();
  IF s.timeline <> tl OR s.system_id <> sys THEN
    next := greatest(s.incarnation + 1, ('x' || tl)::bit(32)::int);
    UPDATE vmem.server SET timeline = tl, system_id = sys, started = pg_postmaster_start_time(), incarnation = next, phase = 2,
      hold_until = t + q;
    PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
    UPDATE vmem.arena SET fence = fence + (next - s.incarnation) * bigint '1000000000';
    numbers := pg_get_serial_sequence('vmem.arena', 'id');
    PERFORM setval(numbers, least(greatest(nextval(numbers), (next - 1) * bigint '100000'), 2000000000));
    UPDATE vmem.session SET state = 'L', lapsed_at = NULL, expires_at = t + ttl WHERE state <> 'D';
    PERFORM vmem._note(t, 9, p_detail => format('timeline %s, was %s', tl, s.timeline));
    RETURN false;
  END IF;
  IF s.started IS DISTINCT FROM pg_postmaster_start_time() THEN UPDATE vmem.server SET started = pg_postmaster_start_time(); END IF;
  IF s.phase > 0 AND s.hold_until <= t THEN
    UPDATE vmem.server SET phase = s.phase - 1, hold_until = t + q;
    RETURN s.phase = 1;
  END IF;
  RETURN s.phase = 0;
END $$;

-- Finds an arena, or makes it. Whether it agrees with what was wanted is for the caller to see. One that is made may be one that a failover
-- forgot: its fences are those of the incarnation, and a hold whose phases are shorter than its quarantine begins anew.
CREATE OR REPLACE FUNCTION vmem.define_arena(p_name text, p_base numeric, p_unit numeric, p_start bigint, p_size bigint, p_quantum bigint,
  p_type text, p_quarantine interval)
RETURNS TABLE (id int, name text, base numeric, unit numeric, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE made int; ok bool; q interval;
BEGIN
  IF p_start IS NOT NULL AND NOT EXISTS (SELECT FROM vmem.arena a WHERE a.name = p_name) THEN
    ok := vmem._server_ok();
    q := vmem._phase_length();
    INSERT INTO vmem.arena AS n (name, base, unit, range, quantum, type, quarantine, fence)
      SELECT p_name, p_base, p_unit, int8range(p_start, p_start + p_size), p_quantum, p_type, p_quarantine,
             (v.incarnation - 1) * bigint '1000000000' FROM vmem.server v
      ON CONFLICT DO NOTHING RETURNING n.id INTO made;
    IF made IS NOT NULL THEN
      INSERT INTO vmem.extent (arena, range, state, since) VALUES (made, int8range(p_start, p_start + p_size), 'F', vmem._now());
      IF NOT ok AND p_quarantine > q THEN
        UPDATE vmem.server SET phase = 2, hold_until = vmem._now() + p_quarantine WHERE phase > 0;
      END IF;
    END IF;
  END IF;
  RETURN QUERY SELECT x.* FROM vmem.get_arenas() x WHERE x.name = p_name;
END $$;

REVOKE ALL ON FUNCTION vmem._phase_length() FROM PUBLIC;

-- A day of an interval is as long as the time zone of whoever adds it says. Libraries before this version wrote days.
DO $$
BEGIN
  IF EXISTS (SELECT FROM vmem.arena WHERE extract(day FROM quarantine) <> 0)
    OR EXISTS (SELECT FROM vmem.session WHERE extract(day FROM ttl) <> 0 OR extract(day FROM quarantine) <> 0) THEN
    PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
    UPDATE vmem.arena SET quarantine = make_interval(secs => extract(epoch FROM quarantine)::float8) WHERE extract(day FROM quarantine) <> 0;
    UPDATE vmem.session SET ttl = make_interval(secs => extract(epoch FROM ttl)::float8),
      quarantine = make_interval(secs => extract(epoch FROM quarantine)::float8)
     WHERE extract(day FROM ttl) <> 0 OR extract(day FROM quarantine) <> 0;
  END IF;
END $$;
