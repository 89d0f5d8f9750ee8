-- Cases: what moderators did, written down before it is done (number NULL, pending) and numbered when it was done.
CREATE TABLE mod_case (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER NOT NULL,
    number INTEGER,
    action TEXT NOT NULL CHECK (action IN ('warn', 'note', 'timeout', 'untimeout', 'kick', 'ban', 'unban')),
    target_id INTEGER NOT NULL,
    target_name TEXT NOT NULL,
    moderator_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    is_over INTEGER NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1)),
    entry_id INTEGER,
    log_channel_id INTEGER,
    log_message_id INTEGER,
    UNIQUE (guild_id, number),
    UNIQUE (guild_id, entry_id)
) STRICT;
CREATE INDEX mod_case_by_target ON mod_case (guild_id, target_id, number DESC);
CREATE INDEX mod_case_pending ON mod_case (guild_id) WHERE number IS NULL;
CREATE INDEX mod_case_due ON mod_case (expires_at) WHERE action = 'ban' AND is_over = 0;
-- The number of the last case of a guild, so that no number is given out twice.
CREATE TABLE mod_case_count (
    guild_id INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;
-- Channels that the bot locked: what everyone was allowed there before (NULL: as the server has it).
CREATE TABLE channel_lock (
    channel_id INTEGER PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    allowed_before INTEGER CHECK (allowed_before IN (0, 1))
) STRICT;
-- What the filters of a guild shall do, as the JSON document of a policy.
CREATE TABLE automod_policy (
    guild_id INTEGER PRIMARY KEY,
    policy TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
-- The last form of settings of a guild, which is kept up to date.
CREATE TABLE settings_form (
    guild_id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    page TEXT NOT NULL
) STRICT;
