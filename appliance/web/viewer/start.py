"""The page that OHIF starts in, and its configuration, in place of those of its build.

The page of the build loads scripts within itself, a service worker that asks elsewhere for its parts, and forty icons:
ours names the same script and style sheet, and no more.
"""

import json
from pathlib import Path

from appliance import __version__
from appliance.settings import ViewerSettings
from appliance.web.dicomweb.proxy import ROOT

CONFIGURATION = "app-config.js"
_SCRIPT = Path(__file__).with_name("viewer.js")
_PAGE = """<!doctype html>
<html lang="en" class="dark">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Viewer</title>
<link rel="icon" href="/static/mark.svg?v={version}" type="image/svg+xml">
<link rel="stylesheet" href="/app.bundle.css?v={bundle}">
<script src="/{configuration}"></script>
<script defer src="/{bundle}"></script>
</head>
<body>
<noscript>The viewer needs JavaScript.</noscript>
<div id="react-portal"></div>
<div id="root"></div>
</body>
</html>
"""


def page(bundle: str) -> str:
    """The page around the script of this name."""
    return _PAGE.format(version=__version__, bundle=bundle, configuration=CONFIGURATION)


def configuration(settings: ViewerSettings) -> str:
    """What `window.config` is to be, as a script."""
    values = {
        "title": settings.title,
        "root": ROOT,
        "requests": {
            "interaction": settings.requests,
            "thumbnail": max(1, settings.requests // 4),
            "prefetch": max(1, settings.requests // 2),
        },
    }
    return f"const appliance = Object.freeze({json.dumps(values)});\n{_SCRIPT.read_text(encoding='utf-8')}"
