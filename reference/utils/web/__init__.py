"""Reading pages of the public web."""
