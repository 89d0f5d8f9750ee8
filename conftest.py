"""Wiring only: options, fixture, marker and recorder of the judge; platforms, leaks, ffmpeg; no hurry, no luck."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["harness.plugin", "harness.not_run", "harness.run_again", "harness.leaks", "harness.ffmpeg_exe"]

settings.register_profile(
    "the same each time", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, derandomize=True
)
settings.load_profile("the same each time")
