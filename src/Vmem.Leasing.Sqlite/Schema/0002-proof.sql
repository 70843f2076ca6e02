-- The proof (R2): whatever the library gets wrong, no two extents of an arena overlap. The neighbours of a row are enough to look at, as
-- all before it were proven so. The lock is the file's one writer.
CREATE TRIGGER extent_inserted BEFORE INSERT ON extent BEGIN
  SELECT RAISE(ABORT, 'the extent overlaps the one before it')
   WHERE (SELECT last FROM extent WHERE arena = NEW.arena AND start <= NEW.start ORDER BY start DESC LIMIT 1) >= NEW.start;
  SELECT RAISE(ABORT, 'the extent overlaps the one after it')
   WHERE (SELECT start FROM extent WHERE arena = NEW.arena AND start > NEW.start ORDER BY start LIMIT 1) <= NEW.last;
END;

CREATE TRIGGER extent_moved BEFORE UPDATE OF arena, start ON extent BEGIN
  SELECT RAISE(ABORT, 'an extent does not move');
END;

CREATE TRIGGER extent_grown BEFORE UPDATE OF last ON extent WHEN NEW.last > OLD.last BEGIN
  SELECT RAISE(ABORT, 'the extent overlaps the one after it')
   WHERE (SELECT start FROM extent WHERE arena = NEW.arena AND start > NEW.start ORDER BY start LIMIT 1) <= NEW.last;
END;

-- A lease does not change hands while its session lives.
CREATE TRIGGER lease_taken BEFORE UPDATE OF session ON extent WHEN OLD.state = 1 AND NEW.state = 1 AND NEW.session <> OLD.session BEGIN
  SELECT RAISE(ABORT, 'the lease is held by a session that lives') WHERE (SELECT state FROM session WHERE id = OLD.session) < 2;
END;

CREATE TRIGGER fence_kept BEFORE UPDATE OF fence ON arena WHEN NEW.fence < OLD.fence BEGIN
  SELECT RAISE(ABORT, 'the fence of an arena does not go back');
END;
