"""How heavy a page is, by what the browser itself says (W3C Resource Timing)."""

from playwright.sync_api import Page

_SUM = """['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
    .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""


def bytes_carried(page: Page) -> int:
    """Bytes of the document and of all that it loaded, from the cache or not; a stream does not count."""
    return int(page.evaluate(_SUM))
