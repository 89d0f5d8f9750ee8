"""Side services of the bot: each runs in a process of its own, and the bot does without them where they are away."""
