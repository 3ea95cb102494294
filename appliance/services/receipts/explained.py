"""Codes as the ledger keeps them, in words: what they mean and what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.domain.errors import ApplianceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A stable code, what it means, and what to do about it ("" where nothing is to be done)."""

    code: str
    title: str
    remedy: str = ""


def _tree(kind: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


_ERRORS: Mapping[str, type[ApplianceError]] = MappingProxyType({kind.code: kind for kind in _tree(ApplianceError)})


def explained(code: str | None) -> Explained | None:
    """A code in words; one that is no error of the tree stands for itself, no code is None."""
    if not code:
        return None
    kind = _ERRORS.get(code)
    return Explained(code=code, title=kind.title, remedy=kind.remedy) if kind else Explained(code=code, title="")
