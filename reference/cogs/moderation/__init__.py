"""Moderation: what moderators do to members and channels, what filters do to messages, and the cases of it all."""
