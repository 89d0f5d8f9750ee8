"""The gateway v10: sessions of bots and the events that they hear of."""
