"""Renders pages: templates in the reader's language, the navigation that roles open, links to static files."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from appliance import __version__
from appliance.domain.access import Permission, UserRole
from appliance.web.i18n import LANGUAGES, Formats, language_for, translatable, translations
from appliance.web.security.visitor import Visitor

ROLE_LABELS = {
    UserRole.RADIOLOGIST: translatable("Radiologist"),
    UserRole.PACS_ADMIN: translatable("PACS administrator"),
    UserRole.AI_LEAD: translatable("AI lead"),
    UserRole.AUDITOR: translatable("Auditor"),
}
TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")


@dataclass(frozen=True, slots=True, kw_only=True)
class NavEntry:
    """A place in the navigation, for whoever has the permission. label: a translatable string; group: which heading."""

    path: str
    label: str
    permission: Permission
    group: str = ""


class Shell:
    """Around every page."""

    def __init__(self, entries: Sequence[NavEntry]) -> None:
        self._entries = tuple(entries)
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def page(
        self,
        request: Request,
        template: str,
        *,
        visitor: Visitor | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """The template as a page; `visitor` is whoever is signed in."""
        language = self.language(request, visitor)
        html = (
            self._environments[language]
            .get_template(template)
            .render(
                visitor=visitor,
                navigation=self.navigation(visitor),
                path=request.url.path,
                language=language,
                theme=visitor.user.theme if visitor else "auto",
                version=__version__,
                **context,
            )
        )
        return HTMLResponse(html, status, headers)

    def fragment(self, language: str, template: str, **context: Any) -> str:
        """A piece of a page, in one language."""
        return self._environments[language].get_template(template).render(**context)

    def language(self, request: Request, visitor: Visitor | None) -> str:
        """The one that the account has chosen, else the one that the browser likes."""
        chosen = visitor.user.language if visitor else ""
        return chosen if chosen in LANGUAGES else language_for(request.headers.get("accept-language", ""))

    def navigation(self, visitor: Visitor | None) -> tuple[NavEntry, ...]:
        """What this visitor may go to."""
        return tuple(entry for entry in self._entries if visitor and visitor.may(entry.permission))

    def home(self, visitor: Visitor) -> str:
        """Where somebody begins who has just signed in: the first place that is open to them."""
        return self.navigation(visitor)[0].path


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = translations(language)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined] # of the extension
    formats = Formats(language)
    for name in (
        *("moment", "day", "date", "clock", "ago", "span", "seconds", "waiting", "iso_day"),
        *("number", "unit", "percent", "listing"),
    ):
        environment.filters[name] = getattr(formats, name)
    environment.globals["static"] = _StaticFiles().address
    environment.globals["languages"] = LANGUAGES
    environment.globals["role_labels"] = ROLE_LABELS
    return environment


class _StaticFiles:
    """Addresses that change with the content, so that browsers may keep what they have."""

    def address(self, name: str) -> str:
        """Of a file below the static folder."""
        return f"/static/{name}?v={self._digests.get(name, '0')}"

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        files = [file for file in STATIC.rglob("*") if file.is_file()]
        return {str(file.relative_to(STATIC)): hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in files}


def shell_of(request: Request) -> Shell:
    """The shell of the service."""
    shell = request.app.state.shell
    assert isinstance(shell, Shell)
    return shell
