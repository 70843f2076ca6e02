-- Who had a value is asked by value. Of each size that was ever leased the entries whose range may hold it lie side by side.
CREATE INDEX audit_value ON audit (arena, size, start) WHERE size IS NOT NULL;
