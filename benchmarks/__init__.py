"""Each component beside its best peers and beside a floor, timed in one run and shown as ratios.

A module of this package that has ``CONTESTS`` takes part; ``python -m benchmarks`` finds it by itself.
"""
