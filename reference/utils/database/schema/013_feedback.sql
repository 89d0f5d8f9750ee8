-- What people think of the bot's messages, told by their reactions: one voice for each person and message.
CREATE TABLE feedback (
    message_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    guild_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (message_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_by_guild ON feedback (guild_id, created_at);
CREATE INDEX feedback_by_user ON feedback (user_id);
