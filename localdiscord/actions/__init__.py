"""What can be done on the local Discord: the rules of each act, once, for bots and people alike."""
