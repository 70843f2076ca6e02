-- A grant of a place, or in a window that is hardly longer, looks at one extent, however many there are.
CREATE OR REPLACE FUNCTION vmem.grant_lease(p_arena int, p_session uuid, p_request uuid, p_size bigint, p_min_size bigint, p_align bigint, p_phase bigint,
  p_min bigint, p_max bigint, OUT verdict int, OUT start bigint, OUT size bigint, OUT fence bigint, OUT watermark bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE a vmem.arena; s vmem.session; e vmem.extent; t timestamptz; place numeric; ok bool := vmem._server_ok();
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
  ELSIF p_max > 0 AND p_max - p_min - p_size < p_size THEN
    -- In a window shorter than two such ranges all places have a value in common, so one extent can have them. It is found by address.
    SELECT * INTO e FROM vmem.extent x WHERE x.arena = p_arena AND lower(x.range) <= p_max - p_size ORDER BY lower(x.range) DESC LIMIT 1;
    place := greatest(lower(e.range), p_min);
    IF p_align > 1 THEN place := place + mod(p_align - mod(mod(place, p_align) + p_align - p_phase, p_align), p_align); END IF;
    IF e.state = 'F' AND place + p_size <= least(upper(e.range), p_max) THEN start := place; END IF;
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
