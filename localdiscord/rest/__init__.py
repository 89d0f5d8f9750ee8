"""REST v10: from requests to acts, and from what came of them to answers.

Each module of this package enters the routes of its area into the router's table when it is imported.
"""

import importlib
import pkgutil

from localdiscord.rest.router import make_api
from localdiscord.rest.versions import OtherVersions

__all__ = ["OtherVersions", "make_api"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
