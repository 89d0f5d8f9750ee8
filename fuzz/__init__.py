"""Fuzzers: they search for defects nobody described, and each is proved to find the audited ones it guards."""
