-- Polls: written down before their message is there, options is a JSON array of texts.
CREATE TABLE poll (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    message_id INTEGER,
    author_id INTEGER NOT NULL,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    most_votes INTEGER NOT NULL,
    language TEXT NOT NULL,
    created_at TEXT NOT NULL,
    closes_at TEXT,
    closed_at TEXT,
    is_shown_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_shown_closed IN (0, 1))
) STRICT;
CREATE INDEX poll_open ON poll (closes_at) WHERE closed_at IS NULL;
CREATE INDEX poll_by_guild ON poll (guild_id, id DESC);
CREATE TABLE poll_vote (
    poll_id INTEGER NOT NULL REFERENCES poll (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    option INTEGER NOT NULL,
    PRIMARY KEY (poll_id, user_id, option)
) STRICT, WITHOUT ROWID;
CREATE INDEX poll_vote_by_user ON poll_vote (user_id);
