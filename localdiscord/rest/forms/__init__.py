"""What bodies of requests may say, and how Discord refuses those that say something else."""
