-- A renewal that says which leases a session holds, and not only how many. One that was taken away and one that was granted and never heard
-- of are no difference in number. Then a session would go on with what is somebody else's by now.

-- What vmem.renew did. The digest is LeaseRenewal.DigestOf: the last 12 digits of a request's
-- number are drawn at random. Both figures are of one look at the table.
CREATE FUNCTION vmem.renew_session(p_session uuid, p_latest bigint) RETURNS TABLE (beat bigint, incarnation int, held bigint, digest bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
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
  SELECT count(*), (coalesce(sum(('x' || right(x.request::text, 12))::bit(48)::bigint), 0) % (bigint '1' << 48))::bigint INTO held, digest
    FROM vmem.extent x WHERE x.session = s.id AND x.state = 'L';
  RETURN NEXT;
END $$;

-- For libraries before this version. It keeps its owner, and the rights to it.
CREATE OR REPLACE FUNCTION vmem.renew(p_session uuid, p_latest bigint) RETURNS TABLE (beat bigint, incarnation int, held bigint)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
  SELECT r.beat, r.incarnation, r.held FROM vmem.renew_session(p_session, p_latest) r;
$$;

-- Roles that may renew may do so by this, too.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT DISTINCT g.grantee::regrole::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) g
            WHERE n.nspname = 'vmem' AND p.proname = 'renew' AND g.grantee <> 0 AND g.grantee <> p.proowner LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION vmem.renew_session(uuid, bigint) TO %s', r.name);
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION vmem.renew_session(uuid, bigint) FROM PUBLIC;
