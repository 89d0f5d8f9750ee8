-- Errors as people met them. The id is what they were told. What the error was stands in error_log.
CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    at TEXT NOT NULL,
    error_id INTEGER NOT NULL REFERENCES error_log (id) ON DELETE CASCADE,
    place TEXT NOT NULL,
    guild_id INTEGER,
    user_id INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_by_time ON incidents (at);
CREATE INDEX incidents_by_user ON incidents (user_id);
