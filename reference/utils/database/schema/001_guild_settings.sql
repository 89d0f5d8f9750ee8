-- What a guild chose. A column that is NULL was never chosen. The code knows the default.
CREATE TABLE guild_settings (
    guild_id INTEGER PRIMARY KEY,
    prefix TEXT,
    language TEXT,
    ai_enabled INTEGER CHECK (ai_enabled IN (0, 1)),
    ai_channel_id INTEGER,
    music_volume REAL CHECK (music_volume BETWEEN 0 AND 2),
    auto_disconnect_delay INTEGER CHECK (auto_disconnect_delay >= 0),
    mode_247 INTEGER CHECK (mode_247 IN (0, 1)),
    dj_role_id INTEGER,
    welcome_channel_id INTEGER,
    log_channel_id INTEGER,
    updated_at TEXT NOT NULL
);
