"""Keeps the bot up: limits, retries, breakers, caches, an orderly end and a single instance."""
