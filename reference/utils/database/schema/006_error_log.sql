-- Errors that a person should look at. The same one is counted, not repeated.
CREATE TABLE error_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    error_type TEXT NOT NULL,
    message TEXT NOT NULL,
    traceback TEXT,
    guild_id INTEGER,
    user_id INTEGER,
    command TEXT,
    occurrences INTEGER NOT NULL DEFAULT 1,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL
);
CREATE INDEX error_log_by_time ON error_log (last_seen);
CREATE INDEX error_log_alike ON error_log (error_type, message);
