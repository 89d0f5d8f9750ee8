"""Pictures, sound and colours."""
