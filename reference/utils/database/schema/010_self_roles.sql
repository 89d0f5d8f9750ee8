-- Roles that members may give themselves, and the messages that offer them.
CREATE TABLE self_role (
    guild_id INTEGER NOT NULL,
    role_id INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    PRIMARY KEY (guild_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE self_role_panel (
    message_id INTEGER PRIMARY KEY,
    guild_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    style TEXT NOT NULL CHECK (style IN ('buttons', 'menu')),
    title TEXT NOT NULL
) STRICT;
CREATE INDEX self_role_panel_by_guild ON self_role_panel (guild_id);
