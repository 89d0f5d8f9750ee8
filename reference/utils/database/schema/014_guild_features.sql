-- Which features a guild switched on or off. What has no row was never chosen. The code knows the default.
CREATE TABLE guild_features (
    guild_id INTEGER NOT NULL,
    feature TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (guild_id, feature)
) STRICT, WITHOUT ROWID;
