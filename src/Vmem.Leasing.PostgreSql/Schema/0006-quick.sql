-- What each call pays for. A server has one number for as long as it runs, and to read it takes a file and a subtransaction: so it is read
-- once a start. A promoted replica has not the primary's start, and another timeline besides.
ALTER TABLE vmem.server ADD COLUMN started timestamptz;

CREATE OR REPLACE FUNCTION vmem._server_ok() RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
DECLARE s vmem.server; tl text := vmem._timeline(); sys text; t timestamptz; q interval;
BEGIN
  SELECT * INTO STRICT s FROM vmem.server;
  IF s.timeline = tl AND s.started = pg_postmaster_start_time() AND s.phase = 0 THEN RETURN true; END IF;
  SELECT * INTO STRICT s FROM vmem.server FOR UPDATE;
  sys := vmem._system_id();
  SELECT coalesce(max(quarantine), interval '0') INTO q FROM vmem.arena;
  t := vmem._now();
  IF s.timeline <> tl OR s.system_id <> sys THEN
    UPDATE vmem.server SET timeline = tl, system_id = sys, started = pg_postmaster_start_time(), incarnation = s.incarnation + 1, phase = 2,
      hold_until = t + q;
    PERFORM FROM vmem.arena ORDER BY id FOR NO KEY UPDATE;
    UPDATE vmem.arena SET fence = fence + 1000000000;
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

-- These are called by the others only, which have set the search path. To set it again takes longer than what most of them do.
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'vmem'
    AND p.proname IN ('_now', '_timeline', '_system_id', '_note', '_server_ok', '_lock', '_free', '_take', '_release', '_is_held', '_left') LOOP
    EXECUTE format('ALTER FUNCTION %s RESET search_path', f);
  END LOOP;
END $$;
