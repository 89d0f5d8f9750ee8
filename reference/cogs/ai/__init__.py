"""AI chat: answers of a language model, or of the scripted one, in channels and direct messages."""
