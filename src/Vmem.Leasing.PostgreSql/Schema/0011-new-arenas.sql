-- Grants in an arena that is new beside large ones. The server's statistics know no extent of it yet, so to read all of them by address
-- seemed to cost as much as to find the free one by size. Then each grant read all that were granted before, until the next ANALYZE.
-- Only one index has arena + 0, so a look-up by that cannot use another.
LOCK TABLE vmem.extent IN ACCESS EXCLUSIVE MODE;
DROP INDEX vmem.extent_free;
CREATE INDEX extent_free ON vmem.extent ((arena + 0), (upper(range) - lower(range)), lower(range)) WHERE state = 'F';

-- FUNCTION vmem.grant_quickly and FUNCTION vmem.grant_lease stay as they are but for these words.
DO $$
DECLARE f record; old text; new text; letter text;
BEGIN
  FOR f IN SELECT p.oid, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = 'vmem' AND p.proname IN ('grant_quickly', 'grant_lease') LOOP
    letter := CASE f.proname WHEN 'grant_quickly' THEN 'y' ELSE 'x' END;
    old := pg_get_functiondef(f.oid);
    new := replace(old, format('%1$s.arena = p_arena AND %1$s.state = ''F''', letter), format('%1$s.arena + 0 = p_arena AND %1$s.state = ''F''', letter));
    IF new = old THEN RAISE EXCEPTION 'vmem.% does not look for free extents as version 10 does: it was changed by hand.', f.proname; END IF;
    EXECUTE new;
  END LOOP;
END $$;
