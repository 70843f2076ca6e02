-- Grants in an arena that is new beside large ones. The server's statistics know no extent of it yet, so to read all of them by address
-- seemed to cost as much as to find the free one by size. Then each grant read all that were granted before, until the next ANALYZE.
-- Only one index has arena + 0, so a look-up by that cannot use another.
-- Whoever waits for the table keeps all others waiting, renewals too. So it waits for a moment only, and tries again, as version 10 did.
DO $$
DECLARE patience timestamptz := clock_timestamp() + interval '10 minutes'; was text := current_setting('lock_timeout');
BEGIN
  PERFORM set_config('lock_timeout', '100ms', true);
  LOOP
    BEGIN
      LOCK TABLE vmem.extent IN ACCESS EXCLUSIVE MODE;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      IF clock_timestamp() > patience THEN
        RAISE EXCEPTION 'The table vmem.extent was in use for 10 minutes without a pause: end the transactions that hold it, and migrate again.'
          USING ERRCODE = 'lock_not_available';
      END IF;
    END;
    PERFORM pg_sleep(0.05 + 0.1 * random());
  END LOOP;
  PERFORM set_config('lock_timeout', was, true);
END $$;

DROP INDEX vmem.extent_free;
CREATE INDEX extent_free ON vmem.extent ((arena + 0), (upper(range) - lower(range)), lower(range)) WHERE state = 'F';

-- FUNCTION vmem.grant_quickly and FUNCTION vmem.grant_lease stay as they are but for these words, which stand there once and three times.
DO $$
DECLARE f record; old text; new text;
BEGIN
  FOR f IN SELECT p.oid, p.proname, x.letter, x.places
             FROM (VALUES ('grant_quickly', 'y', 1), ('grant_lease', 'x', 3)) x (name, letter, places)
             JOIN pg_proc p ON p.proname = x.name AND p.pronamespace = 'vmem'::regnamespace LOOP
    old := pg_get_functiondef(f.oid);
    new := replace(old, format('%1$s.arena = p_arena AND %1$s.state = ''F''', f.letter), format('%1$s.arena + 0 = p_arena AND %1$s.state = ''F''', f.letter));
    IF length(new) - length(old) <> f.places * length('+ 0 ') THEN
      RAISE EXCEPTION 'vmem.% does not look for free extents as version 10 does: it was changed by hand. Bring it back, and migrate again.', f.proname;
    END IF;
    EXECUTE new;
  END LOOP;
END $$;
