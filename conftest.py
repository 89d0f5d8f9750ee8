"""pytest wiring only: the options, fixture, marker and recorder of the judge; platforms; leaks; no hurry, no chance."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["harness.plugin", "harness.not_run", "harness.leaks"]

settings.register_profile(
    "the same each time", deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None, derandomize=True
)
settings.load_profile("the same each time")
