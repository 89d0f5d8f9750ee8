"""Music in voice channels: from the media folder, from what was attached, and from the web."""
