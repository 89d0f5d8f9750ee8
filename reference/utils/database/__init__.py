"""The bot's database: one SQLite file, its schema, and what is kept in it."""
