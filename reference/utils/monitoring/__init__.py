"""What the bot tells about itself: logs, numbers, health, alerts and the audit log."""
