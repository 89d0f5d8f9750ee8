"""The reference bot: a complete Discord bot whose ``utils`` package answers every finding of the audit."""
