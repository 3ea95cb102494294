"""Editions: the results of one workitem in the forms that its readers understand, and who gets which.

The node and its viewers read BINARY segmentations and the language of the workitem. A destination may read another
segmentation type, none, or another language; what it gets refers only to what it gets.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from appliance.delivery.destinations import Destination
from appliance.domain.dicom_result import DicomResult
from appliance.domain.identifiers import SOPInstanceUID, content_hash
from appliance.results import DocumentReference
from appliance.store.results import ResultRecord

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Who reads one edition."""

    node: bool
    places: tuple[Destination, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEdition:
    """What tells the report of one reader from that of another; cited: the results of each analysis that it has."""

    language: str
    cited: tuple[tuple[ResultRecord, ...], ...]
    predecessors: tuple[DocumentReference, ...]

    @property
    def name(self) -> str:
        """The same for equal editions, on every run."""
        cited = [record.sop_instance_uid for records in self.cited for record in records]
        replaced = [document.sop_instance_uid for document in self.predecessors]
        return edition_name(self.language, *cited, "predecessors", *replaced)


def edition_name(*parts: str) -> str:
    """A short name for what `parts` tell apart."""
    return content_hash(*parts)[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A result object, and where it goes; `for_node`: into the node's Orthanc, and there before anywhere else."""

    result: DicomResult
    destinations: tuple[str, ...] = ()
    for_node: bool = True


def by_edition(places: Sequence[Destination], key: Callable[[Destination | None], Key]) -> Mapping[Key, Readers]:
    """The readers of each edition, the node's first. key: what is particular about the edition of a place, and of the
    node (None).
    """
    own = key(None)
    found: dict[Key, list[Destination]] = {own: []}
    for place in places:
        found.setdefault(key(place), []).append(place)
    return {edition: Readers(node=edition == own, places=tuple(of)) for edition, of in found.items()}


def addressed(editions: Iterable[tuple[Sequence[DicomResult], Readers]]) -> tuple[Addressed, ...]:
    """Every object of all editions once, for everybody who reads an edition that it is in and accepts its kind."""
    found: dict[SOPInstanceUID, Addressed] = {}
    for results, readers in editions:
        for result in results:
            names = tuple(place.name for place in readers.places if result.kind in place.accepts)
            known = found.get(result.sop_instance_uid)
            found[result.sop_instance_uid] = Addressed(
                result=known.result if known else result,
                destinations=(*(known.destinations if known else ()), *names),
                for_node=readers.node or (known is not None and known.for_node),
            )
    return tuple(item for item in found.values() if item.for_node or item.destinations)
