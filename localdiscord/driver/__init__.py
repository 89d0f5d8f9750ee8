"""People, as test code and the page act for them."""
