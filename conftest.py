"""pytest wiring only: the judge's options, fixture, marker and recorder; the markers of platforms; no hurry."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["harness.plugin", "harness.not_run"]

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
