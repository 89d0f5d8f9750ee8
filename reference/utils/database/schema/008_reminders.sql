-- What people want to be reminded of. A row goes when it was delivered, so a crash loses none.
CREATE TABLE reminder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    guild_id INTEGER,
    channel_id INTEGER NOT NULL,
    about TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    try_at TEXT NOT NULL
) STRICT;
CREATE INDEX reminder_by_time ON reminder (try_at);
CREATE INDEX reminder_by_user ON reminder (user_id, due_at);
-- Where people live, as far as they told it.
CREATE TABLE time_zone (
    user_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;
