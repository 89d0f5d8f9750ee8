-- Conversations with the model. The order of a channel is the order of the ids.
CREATE TABLE ai_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL,
    user_id INTEGER,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'model', 'system')),
    content TEXT NOT NULL,
    message_id INTEGER,
    timestamp TEXT NOT NULL
);
CREATE INDEX ai_history_by_channel ON ai_history (channel_id, id);
