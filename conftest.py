"""pytest wiring only: the judge's options, fixture, marker and recorder."""

pytest_plugins = ["harness.plugin"]
