"""Links: pages that people link to, read by the safe fetcher and summarised."""
