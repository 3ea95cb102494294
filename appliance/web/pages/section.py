"""A part of the pages: its routes, and its places in the navigation."""

from dataclasses import dataclass

from fastapi import APIRouter

from appliance.web.shell import NavEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What `pages.SECTIONS` lists."""

    router: APIRouter
    entries: tuple[NavEntry, ...] = ()
