-- How many messages were written in a guild each day (UTC), nobody is named.
CREATE TABLE guild_activity (
    guild_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (guild_id, day)
) STRICT, WITHOUT ROWID;
