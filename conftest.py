"""pytest wiring only: the judge's options, fixture, marker and recorder; the markers of platforms."""

pytest_plugins = ["harness.plugin", "harness.not_run"]
