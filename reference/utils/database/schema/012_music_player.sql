-- What the player of a guild was doing, so that a restart goes on from there. The tracks that wait are in music_queue.
CREATE TABLE music_player (
    guild_id INTEGER PRIMARY KEY,
    voice_channel_id INTEGER,
    text_channel_id INTEGER,
    message_id INTEGER,
    looping TEXT NOT NULL CHECK (looping IN ('off', 'track', 'queue')),
    is_paused INTEGER NOT NULL CHECK (is_paused IN (0, 1)),
    position REAL NOT NULL CHECK (position >= 0),
    current TEXT,
    history TEXT NOT NULL
) STRICT;
