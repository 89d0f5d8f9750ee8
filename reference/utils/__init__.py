"""The audited modules of the bot, corrected; importing this package starts nothing."""
