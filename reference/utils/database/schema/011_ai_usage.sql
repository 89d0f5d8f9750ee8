-- Tokens of language models by UTC day. What is under way is reserved, so that requests side by side cannot overdraw.
CREATE TABLE ai_usage (
    scope TEXT NOT NULL CHECK (scope IN ('user', 'guild')),
    scope_id INTEGER NOT NULL,
    day TEXT NOT NULL,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    requests INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, scope_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX ai_usage_by_day ON ai_usage (day);
CREATE TABLE ai_reservation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    day TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    guild_id INTEGER,
    tokens INTEGER NOT NULL CHECK (tokens >= 0)
) STRICT;
-- Answers that are shown and not whole yet. What is here at a start was left behind by a process that was killed.
CREATE TABLE ai_growing_answer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL,
    question_id INTEGER NOT NULL,
    language TEXT NOT NULL
) STRICT;
