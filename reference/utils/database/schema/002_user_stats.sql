-- What a member did in a guild. Guild 0 is direct messages.
CREATE TABLE user_stats (
    user_id INTEGER NOT NULL,
    guild_id INTEGER NOT NULL,
    messages_count INTEGER NOT NULL DEFAULT 0,
    commands_count INTEGER NOT NULL DEFAULT 0,
    ai_interactions INTEGER NOT NULL DEFAULT 0,
    music_requests INTEGER NOT NULL DEFAULT 0,
    voice_seconds INTEGER NOT NULL DEFAULT 0,
    first_seen TEXT NOT NULL,
    last_active TEXT NOT NULL,
    PRIMARY KEY (user_id, guild_id)
) WITHOUT ROWID;
CREATE INDEX user_stats_by_guild ON user_stats (guild_id, messages_count DESC);
