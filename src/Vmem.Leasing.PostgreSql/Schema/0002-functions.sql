-- The functions: the state machine of Vmem.Leasing in SQL. Each is one statement of the client, so one transaction.
-- Those that begin with an underscore are called by the others only. Locks are taken in this order: server, arenas by number, sessions.

-- The only clock. It is read after the locks were taken (R1).
CREATE FUNCTION vmem._now() RETURNS timestamptz LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$ SELECT clock_timestamp() $$;

CREATE FUNCTION vmem._timeline() RETURNS text LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) $$;

-- Some hosts take this right from all but superusers. Then a change of timeline alone shows a failover, and a dump that is restored elsewhere
-- is not told apart.
CREATE FUNCTION vmem._system_id() RETURNS text LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT system_identifier::text FROM pg_control_system());
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'unknown';
END $$;

INSERT INTO vmem.server (system_id, timeline) VALUES (vmem._system_id(), vmem._timeline());

CREATE FUNCTION vmem._note(p_at timestamptz, p_event int, p_arena int DEFAULT 0, p_range int8range DEFAULT NULL, p_session uuid DEFAULT NULL,
  p_fence bigint DEFAULT 0, p_detail text DEFAULT '') RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO vmem.audit (at, event, arena, start, size, session, fence, detail)
    VALUES (p_at, p_event, p_arena, coalesce(lower(p_range), 0), coalesce(upper(p_range) - lower(p_range), 0), p_session, p_fence, p_detail) $$;

-- Is this still the server we knew, and is no hold on? (R4) Each phase is stamped when the one before has ended.
CREATE FUNCTION vmem._server_ok() RETURNS bool LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE s vmem.server; tl text := vmem._timeline(); sys text := vmem._system_id(); t timestamptz; q interval;
BEGIN
  SELECT * INTO STRICT s FROM vmem.server;
  IF s.timeline = tl AND s.system_id = sys AND s.phase = 0 THEN RETURN true; END IF;
  SELECT * INTO STRICT s FROM vmem.server FOR UPDATE;
  SELECT coalesce(max(quarantine), interval '0') INTO q FROM vmem.arena;
  t := vmem._now();
  IF s.timeline <> tl OR s.system_id <> sys THEN
    UPDATE vmem.server SET timeline = tl, system_id = sys, incarnation = s.incarnation + 1, phase = 2, hold_until = t + q;
    PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
    UPDATE vmem.arena SET fence = fence + 1000000000;
    UPDATE vmem.session SET state = 'L', lapsed_at = NULL, expires_at = t + ttl WHERE state <> 'D';
    PERFORM vmem._note(t, 9, p_detail => format('timeline %s, was %s', tl, s.timeline));
    RETURN false;
  END IF;
  IF s.phase > 0 AND s.hold_until <= t THEN
    UPDATE vmem.server SET phase = s.phase - 1, hold_until = t + q;
    RETURN s.phase = 1;
  END IF;
  RETURN s.phase = 0;
END $$;

-- Locks an arena: whoever changes its extents, or its holders' deaths, goes one by one.
CREATE FUNCTION vmem._lock(p_arena int) RETURNS vmem.arena LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE a vmem.arena;
BEGIN
  SELECT * INTO a FROM vmem.arena WHERE id = p_arena FOR NO KEY UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'There is no arena of the number %.', p_arena USING ERRCODE = 'VM001'; END IF;
  RETURN a;
END $$;

-- A leased or quarantined extent becomes free, and one with free neighbours. The larger fence and watermark win (R10).
CREATE FUNCTION vmem._free(p_arena int, p_start bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE e vmem.extent; l vmem.extent; u vmem.extent;
BEGIN
  SELECT * INTO STRICT e FROM vmem.extent WHERE arena = p_arena AND lower(range) = p_start;
  PERFORM vmem._note(p_at, 8, p_arena, e.range, p_fence => e.fence);
  SELECT * INTO l FROM vmem.extent WHERE arena = p_arena AND state = 'F' AND range -|- e.range AND range << e.range;
  SELECT * INTO u FROM vmem.extent WHERE arena = p_arena AND state = 'F' AND lower(range) = upper(e.range);
  DELETE FROM vmem.extent WHERE arena = p_arena AND (range = l.range OR range = u.range);
  UPDATE vmem.extent SET range = int8range(coalesce(lower(l.range), lower(e.range)), coalesce(upper(u.range), upper(e.range))), state = 'F',
    session = NULL, request = NULL, marked = false, since = p_at, fence = greatest(e.fence, l.fence, u.fence),
    watermark = greatest(e.watermark, l.watermark, u.watermark)
   WHERE arena = p_arena AND lower(range) = p_start;
  RETURN upper(e.range) - lower(e.range);
END $$;

-- Cuts [start, start + size) out of a free extent and leases it.
CREATE FUNCTION vmem._take(e vmem.extent, p_range int8range, p_session bigint, p_fence bigint, p_request uuid, p_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
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

CREATE FUNCTION vmem.get_info(OUT version int, OUT incarnation int, OUT now timestamptz, OUT hold_until timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM vmem._server_ok();
  SELECT max(v.version) INTO version FROM vmem.schema_version v;
  SELECT s.incarnation, CASE WHEN s.phase > 0 THEN s.hold_until END INTO incarnation, hold_until FROM vmem.server s;
  now := vmem._now();
END $$;

-- Finds an arena, or makes it. Whether it agrees with what was wanted is for the caller to see.
CREATE FUNCTION vmem.ensure_arena(p_name text, p_start bigint, p_size bigint, p_quantum bigint, p_type text, p_quarantine interval)
RETURNS TABLE (id int, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE made int;
BEGIN
  IF p_start IS NOT NULL AND NOT EXISTS (SELECT FROM vmem.arena a WHERE a.name = p_name) THEN
    INSERT INTO vmem.arena (name, range, quantum, type, quarantine) VALUES (p_name, int8range(p_start, p_start + p_size), p_quantum, p_type, p_quarantine)
      ON CONFLICT (name) DO NOTHING RETURNING arena.id INTO made;
    IF made IS NOT NULL THEN
      INSERT INTO vmem.extent (arena, range, state, since) VALUES (made, int8range(p_start, p_start + p_size), 'F', vmem._now());
    END IF;
  END IF;
  RETURN QUERY SELECT a.id, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine FROM vmem.arena a WHERE a.name = p_name;
END $$;

CREATE FUNCTION vmem.find_arena(p_arena int) RETURNS TABLE (name text, start bigint, size bigint, quantum bigint, type text, quarantine interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.name, lower(a.range), upper(a.range) - lower(a.range), a.quantum, a.type, a.quarantine FROM vmem.arena a WHERE a.id = p_arena $$;

CREATE FUNCTION vmem.open_session(p_session uuid, p_owner text, p_ttl interval, p_latest bigint) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t timestamptz;
BEGIN
  PERFORM vmem._server_ok();
  t := vmem._now();
  INSERT INTO vmem.session (instance, owner, ttl, quarantine, latest, expires_at) VALUES (p_session, p_owner, p_ttl, p_ttl, p_latest, t + p_ttl)
    ON CONFLICT (instance) DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Session % exists already: each start of a process draws a number of its own, so open one without a number.', p_session
      USING ERRCODE = 'VM002';
  END IF;
  PERFORM vmem._note(t, 0, p_session => p_session, p_detail => p_owner);
  RETURN (SELECT incarnation FROM vmem.server);
END $$;

-- No row: the session is dead, for ever, or unknown.
CREATE FUNCTION vmem.renew(p_session uuid, p_latest bigint) RETURNS TABLE (beat bigint, incarnation int, held bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s vmem.session; t timestamptz;
BEGIN
  PERFORM vmem._server_ok();
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session FOR UPDATE;
  IF NOT FOUND OR s.state = 'D' THEN RETURN; END IF;
  t := vmem._now();
  UPDATE vmem.session x SET beat = x.beat + 1, expires_at = t + x.ttl, state = 'L', lapsed_at = NULL, latest = greatest(x.latest, p_latest)
   WHERE x.id = s.id RETURNING x.beat INTO beat;
  IF s.state = 'P' THEN PERFORM vmem._note(t, 3, p_session => p_session); END IF;
  SELECT x.incarnation INTO incarnation FROM vmem.server x;
  SELECT count(*) INTO held FROM vmem.extent x WHERE x.session = s.id AND x.state = 'L';
  RETURN NEXT;
END $$;

CREATE FUNCTION vmem.grant_lease(p_arena int, p_session uuid, p_request uuid, p_size bigint, p_min_size bigint, p_align bigint, p_phase bigint,
  p_min bigint, p_max bigint, OUT verdict int, OUT start bigint, OUT size bigint, OUT fence bigint, OUT watermark bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a vmem.arena; s vmem.session; e vmem.extent; t timestamptz; ok bool := vmem._server_ok();
BEGIN
  a := vmem._lock(p_arena);
  IF NOT ok THEN verdict := 2; RETURN; END IF;
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session FOR NO KEY UPDATE;
  t := vmem._now();
  IF NOT FOUND OR s.state <> 'L' OR s.expires_at < t THEN verdict := 3; RETURN; END IF;
  SELECT 0, lower(x.range), upper(x.range) - lower(x.range), x.fence, x.watermark INTO verdict, start, size, fence, watermark
    FROM vmem.extent x WHERE x.session = s.id AND x.request = p_request AND x.state = 'L';
  IF FOUND THEN RETURN; END IF;
  IF s.ttl > a.quarantine THEN
    RAISE EXCEPTION 'The session''s TTL % is longer than the quarantine % of arena ''%'': its values would be reused under it. Shorten the TTL, or make the arena with a longer quarantine.',
      s.ttl, a.quarantine, a.name USING ERRCODE = 'VM001';
  END IF;
  size := p_size;
  IF p_align = 0 AND p_phase = 0 AND p_min = 0 AND p_max = 0 THEN
    SELECT * INTO e FROM vmem.extent x WHERE x.arena = p_arena AND x.state = 'F' AND upper(x.range) - lower(x.range) >= p_size
     ORDER BY upper(x.range) - lower(x.range), lower(x.range) LIMIT 1;
    start := lower(e.range);
    IF NOT FOUND AND p_min_size > 0 THEN
      SELECT * INTO e FROM vmem.extent x WHERE x.arena = p_arena AND x.state = 'F' AND upper(x.range) - lower(x.range) >= p_min_size
       ORDER BY upper(x.range) - lower(x.range) DESC, lower(x.range) DESC LIMIT 1;
      start := lower(e.range);
      size := upper(e.range) - lower(e.range);
    END IF;
  ELSE
    -- The first place of each extent that is in the window and aligned.
    SELECT x.*, p.at INTO e.arena, e.range, e.state, e.session, e.request, e.fence, e.since, e.watermark, e.marked, start
      FROM vmem.extent x,
      LATERAL (SELECT greatest(lower(x.range), p_min) AS lowest) l,
      LATERAL (SELECT CASE WHEN p_align > 1 THEN l.lowest::numeric + mod(p_align - mod(mod(l.lowest, p_align) + p_align - p_phase, p_align), p_align)
                           ELSE l.lowest END AS at) p
     WHERE x.arena = p_arena AND x.state = 'F' AND upper(x.range) - lower(x.range) >= p_size
       AND p.at + p_size <= CASE WHEN p_max = 0 THEN upper(x.range) ELSE least(upper(x.range), p_max) END
     ORDER BY upper(x.range) - lower(x.range), lower(x.range) LIMIT 1;
  END IF;
  IF start IS NULL THEN verdict := 1; size := NULL; RETURN; END IF;
  UPDATE vmem.arena x SET fence = x.fence + 1 WHERE x.id = p_arena RETURNING x.fence INTO fence;
  IF s.quarantine < a.quarantine THEN UPDATE vmem.session x SET quarantine = a.quarantine WHERE x.id = s.id; END IF;
  PERFORM vmem._take(e, int8range(start, start + size), s.id, fence, p_request, t);
  PERFORM vmem._note(t, 5, p_arena, int8range(start, start + size), p_session, fence);
  verdict := 0;
  watermark := e.watermark;
END $$;

CREATE FUNCTION vmem._release(p_arena int, p_start bigint, p_clean bool, p_watermark bigint, p_session uuid, p_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE e vmem.extent;
BEGIN
  UPDATE vmem.extent x SET watermark = greatest(x.watermark, p_watermark) WHERE x.arena = p_arena AND lower(x.range) = p_start RETURNING * INTO STRICT e;
  PERFORM vmem._note(p_at, 6, p_arena, e.range, p_session, e.fence, CASE WHEN p_clean THEN 'clean' ELSE 'quarantined' END);
  IF p_clean THEN
    PERFORM vmem._free(p_arena, p_start, p_at);
  ELSE
    UPDATE vmem.extent x SET state = 'Q', session = NULL, request = NULL, marked = false, since = p_at WHERE x.arena = p_arena AND lower(x.range) = p_start;
  END IF;
END $$;

CREATE FUNCTION vmem._is_held(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint) RETURNS bool
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM vmem.extent x JOIN vmem.session s ON s.id = x.session
                  WHERE x.arena = p_arena AND lower(x.range) = p_start AND x.range = int8range(p_start, p_start + p_size) AND x.state = 'L'
                    AND s.instance = p_session AND x.fence = p_fence) $$;

CREATE FUNCTION vmem.release_lease(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint, p_clean bool, p_watermark bigint)
RETURNS bool LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM vmem._lock(p_arena);
  IF NOT vmem._is_held(p_arena, p_session, p_start, p_size, p_fence) THEN RETURN false; END IF;
  PERFORM vmem._release(p_arena, p_start, p_clean, p_watermark, p_session, vmem._now());
  RETURN true;
END $$;

CREATE FUNCTION vmem.close_session(p_session uuid, p_clean bool) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s vmem.session; e record; t timestamptz;
BEGIN
  PERFORM vmem._server_ok();
  PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session FOR UPDATE;
  IF NOT FOUND OR s.state = 'D' THEN RETURN; END IF;
  t := vmem._now();
  FOR e IN SELECT x.arena, lower(x.range) AS start FROM vmem.extent x WHERE x.session = s.id ORDER BY 1, 2 LOOP
    PERFORM vmem._release(e.arena, e.start, p_clean, NULL, p_session, t);
  END LOOP;
  UPDATE vmem.session SET state = 'D' WHERE id = s.id;
  PERFORM vmem._note(t, 1, p_session => p_session);
END $$;

CREATE FUNCTION vmem.held(p_session uuid) RETURNS TABLE (arena int, start bigint, size bigint, fence bigint, request uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.arena, lower(x.range), upper(x.range) - lower(x.range), x.fence, x.request
    FROM vmem.extent x JOIN vmem.session s ON s.id = x.session WHERE s.instance = p_session AND x.state = 'L' $$;

CREATE FUNCTION vmem.mark(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint, p_watermark bigint) RETURNS bool
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM vmem._lock(p_arena);
  IF NOT vmem._is_held(p_arena, p_session, p_start, p_size, p_fence) THEN RETURN false; END IF;
  UPDATE vmem.extent x SET watermark = greatest(x.watermark, p_watermark), marked = true WHERE x.arena = p_arena AND lower(x.range) = p_start;
  RETURN true;
END $$;

-- Numbers of LeaseReassertion.
CREATE FUNCTION vmem.reassert(p_arena int, p_session uuid, p_start bigint, p_size bigint, p_fence bigint, p_request uuid) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r int8range := int8range(p_start, p_start + p_size); ok bool := vmem._server_ok(); a vmem.arena := vmem._lock(p_arena); e vmem.extent; s vmem.session; t timestamptz;
BEGIN
  IF vmem._is_held(p_arena, p_session, p_start, p_size, p_fence) THEN RETURN 0; END IF;
  IF ok THEN RETURN 2; END IF;
  SELECT * INTO s FROM vmem.session x WHERE x.instance = p_session AND x.state = 'L' FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN 4; END IF;
  SELECT * INTO e FROM vmem.extent x WHERE x.arena = p_arena AND x.range @> r AND x.state = 'F';
  IF NOT FOUND OR p_fence > a.fence THEN RETURN 3; END IF;
  t := vmem._now();
  UPDATE vmem.session x SET quarantine = greatest(x.quarantine, a.quarantine) WHERE x.id = s.id;
  PERFORM vmem._take(e, r, s.id, p_fence, p_request, t);
  PERFORM vmem._note(t, 10, p_arena, r, p_session, p_fence);
  RETURN 1;
END $$;

-- Lapses, and a quarantine later, in another call, buries sessions; frees what the dead held and what was quarantined for long enough (R3).
CREATE FUNCTION vmem.sweep(p_arena int) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE ok bool := vmem._server_ok(); a vmem.arena := vmem._lock(p_arena); t timestamptz := vmem._now(); r record; freed bigint := 0;
BEGIN
  IF NOT ok THEN RETURN 0; END IF;
  FOR r IN UPDATE vmem.session SET state = 'D' WHERE id IN
      (SELECT id FROM vmem.session WHERE state = 'P' AND lapsed_at + quarantine < t FOR UPDATE SKIP LOCKED) RETURNING instance LOOP
    PERFORM vmem._note(t, 4, p_session => r.instance);
  END LOOP;
  FOR r IN UPDATE vmem.session SET state = 'P', lapsed_at = t WHERE id IN
      (SELECT id FROM vmem.session WHERE state = 'L' AND expires_at < t FOR UPDATE SKIP LOCKED) RETURNING instance LOOP
    PERFORM vmem._note(t, 2, p_session => r.instance);
  END LOOP;
  FOR r IN SELECT lower(x.range) AS start, x.range, x.fence, x.marked, s.instance, s.latest FROM vmem.extent x JOIN vmem.session s ON s.id = x.session
            WHERE x.arena = p_arena AND x.state = 'L' AND s.state = 'D' ORDER BY 1 LOOP
    UPDATE vmem.extent x SET watermark = CASE WHEN r.marked THEN x.watermark ELSE greatest(x.watermark, r.latest) END
     WHERE x.arena = p_arena AND lower(x.range) = r.start;
    PERFORM vmem._note(t, 7, p_arena, r.range, r.instance, r.fence);
    freed := freed + vmem._free(p_arena, r.start, t);
  END LOOP;
  FOR r IN SELECT lower(x.range) AS start FROM vmem.extent x WHERE x.arena = p_arena AND x.state = 'Q' AND x.since + a.quarantine < t ORDER BY 1 LOOP
    freed := freed + vmem._free(p_arena, r.start, t);
  END LOOP;
  RETURN freed;
END $$;

CREATE FUNCTION vmem.usage(p_arena int, OUT free bigint, OUT largest_free bigint, OUT leased bigint, OUT lapsed bigint, OUT quarantined bigint,
  OUT room_at timestamptz, OUT hold_until timestamptz) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE t timestamptz := vmem._now(); q interval;
BEGIN
  SELECT x.quarantine INTO q FROM vmem.arena x WHERE x.id = p_arena;
  IF NOT FOUND THEN RAISE EXCEPTION 'There is no arena of the number %.', p_arena USING ERRCODE = 'VM001'; END IF;
  SELECT coalesce(sum(n) FILTER (WHERE x.state = 'F'), 0), coalesce(max(n) FILTER (WHERE x.state = 'F'), 0),
         coalesce(sum(n) FILTER (WHERE x.state = 'L' AND NOT silent), 0), coalesce(sum(n) FILTER (WHERE x.state = 'L' AND silent), 0),
         coalesce(sum(n) FILTER (WHERE x.state = 'Q'), 0),
         min(CASE WHEN x.state = 'Q' THEN x.since + q
                  WHEN x.state = 'L' AND silent THEN CASE x.stage WHEN 'L' THEN t + x.quarantine WHEN 'P' THEN x.lapsed_at + x.quarantine ELSE t END END)
    INTO free, largest_free, leased, lapsed, quarantined, room_at
    FROM (SELECT e.state, e.since, upper(e.range) - lower(e.range) AS n, s.state AS stage, s.lapsed_at, s.quarantine,
                 s.state <> 'L' OR s.expires_at < t AS silent
            FROM vmem.extent e LEFT JOIN vmem.session s ON s.id = e.session WHERE e.arena = p_arena) x;
  SELECT CASE WHEN x.phase > 0 THEN x.hold_until END INTO hold_until FROM vmem.server x;
END $$;

CREATE FUNCTION vmem.list(p_arena int) RETURNS TABLE (start bigint, size bigint, state "char", session uuid, owner text, fence bigint, since timestamptz, watermark bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT lower(e.range), upper(e.range) - lower(e.range), e.state, s.instance, coalesce(s.owner, ''), e.fence, e.since, e.watermark
    FROM vmem.extent e LEFT JOIN vmem.session s ON s.id = e.session WHERE e.arena = p_arena ORDER BY 1 $$;

CREATE FUNCTION vmem.read_audit(p_arena int, p_after bigint, p_limit int)
RETURNS TABLE (seq bigint, at timestamptz, event int, arena int, start bigint, size bigint, session uuid, fence bigint, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT x.seq, x.at, x.event, x.arena, x.start, x.size, x.session, x.fence, x.detail FROM vmem.audit x
   WHERE x.arena IN (0, p_arena) AND x.seq > p_after ORDER BY x.seq LIMIT p_limit $$;

-- Lets a role lease, and do nothing else.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA vmem FROM PUBLIC;

CREATE FUNCTION vmem._admit(p_role text) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE f regprocedure;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA vmem TO %I', p_role);
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'vmem' AND p.proname NOT LIKE '\_%' LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', f, p_role);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION vmem._admit(text) FROM PUBLIC;
