-- The tracks that wait in a guild, so that a restart does not lose them.
CREATE TABLE music_queue (
    guild_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    track TEXT NOT NULL,
    PRIMARY KEY (guild_id, position)
) WITHOUT ROWID;
