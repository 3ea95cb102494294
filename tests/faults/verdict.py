"""What became of every study: exactly one standing set of right results in the PACS, or a visible reason why not."""

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread

from appliance.bootstrap import Appliance
from appliance.domain.errors import UnknownStudy
from appliance.domain.workitem import FINAL_STATES
from appliance.settings import LOOPBACK, SecretName, Settings
from appliance.store.deliveries import DeliveryState
from appliance.store.studies import Receipt
from appliance.store.study_state import StudyState
from tests.faults.studies import SentStudy

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
COMPLETE_SET = Counter(
    {
        SEGMENTATION: 1,
        "1.2.840.10008.5.1.4.1.1.88.34": 1,  # Comprehensive 3D SR: the measurements
        "1.2.840.10008.5.1.4.1.1.88.22": 1,  # Enhanced SR: the report
        "1.2.840.10008.5.1.4.1.1.104.1": 1,  # Encapsulated PDF
    }
)


@dataclass(kw_only=True)
class Verdict:
    """How many studies ended in which way; `notes` say why, for each that is not delivered."""

    delivered: int = 0
    failed_visibly: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    stuck: int = 0
    replaced_sets: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, duplicated, wrong or stuck."""
        return not (self.lost or self.duplicated or self.wrong or self.stuck)

    def __str__(self) -> str:
        return (
            f"lost {self.lost} / duplicated {self.duplicated} / wrong {self.wrong} / stuck {self.stuck}"
            f"   ({self.delivered} delivered, {self.failed_visibly} failed with a visible reason,"
            f" {self.replaced_sets} earlier sets replaced)"
        )


class Pacs:
    """The demonstration PACS, asked by DICOMweb."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client(
            base_url=f"http://{LOOPBACK}:{settings.demo.http_port}/dicom-web",
            auth=("demo", settings.secrets.get(SecretName.DEMO_PACS)),
            timeout=30,
            trust_env=False,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def instances(self, study: str) -> dict[str, tuple[str, str]]:
        """SOP Instance UID -> SOP class and series of everything that it holds of a study (QIDO-RS)."""
        answer = self._client.get(f"/studies/{study}/instances", headers={"Accept": "application/dicom+json"})
        answer.raise_for_status()
        found = answer.json() if answer.content else []
        uids = [_value(item, "00080018") for item in found]
        assert len(uids) == len(set(uids)), "a PACS holds an instance once"
        return {_value(item, "00080018"): (_value(item, "00080016"), _value(item, "0020000E")) for item in found}

    def fetch(self, study: str, series: str, instance: str) -> Dataset:
        """One object (WADO-RS)."""
        accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
        answer = self._client.get(f"/studies/{study}/series/{series}/instances/{instance}", headers=accept)
        answer.raise_for_status()
        boundary = answer.headers["Content-Type"].split("boundary=")[1].split(";")[0].strip('"').encode()
        part = answer.content.split(b"--" + boundary)[1].split(b"\r\n\r\n", 1)[1]
        return dcmread(io.BytesIO(part.removesuffix(b"\r\n")))


def is_settled(receipt: Receipt) -> bool:
    """Whether nothing more will happen to the study."""
    ended = all(status.state in FINAL_STATES for status in receipt.workitems)
    pending = receipt.summary.deliveries.get(DeliveryState.PENDING, 0)
    return receipt.summary.state in (StudyState.DONE, StudyState.FAILED) and ended and not pending


def unsettled(node: Appliance, studies: Iterable[SentStudy]) -> list[SentStudy]:
    """The studies to which something is still to happen, or that the ledger does not know."""
    left = []
    for study in studies:
        with contextlib.suppress(UnknownStudy):
            if is_settled(node.studies.receipt(study.uid)):
                continue
        left.append(study)
    return left


def judge(node: Appliance, pacs: Pacs, studies: Sequence[SentStudy], stuck: Sequence[SentStudy]) -> Verdict:
    """Compare the PACS with what must be in it, study by study."""
    verdict = Verdict()
    waiting = {study.uid for study in stuck}
    for study in studies:
        try:
            receipt = node.studies.receipt(study.uid)
        except UnknownStudy:
            verdict.lost += 1
            verdict.notes.append(f"{study.uid}: the ledger does not know the study")
        else:
            _judge(receipt, pacs, study, study.uid in waiting, verdict)
    return verdict


def _judge(receipt: Receipt, pacs: Pacs, study: SentStudy, is_stuck: bool, verdict: Verdict) -> None:
    replaced = {record.sop_instance_uid for record in receipt.results if record.superseded_by}
    verdict.replaced_sets += bool(replaced)
    held = pacs.instances(study.uid)
    standing = {uid: place for uid, place in held.items() if uid not in replaced}
    kinds = Counter(sop_class for sop_class, _ in standing.values())
    if is_stuck:
        verdict.stuck += 1
        verdict.notes.append(f"{study.uid}: stuck; {_story(receipt)}")
    elif any(count > COMPLETE_SET[kind] for kind, count in kinds.items()):
        verdict.duplicated += 1
        verdict.notes.append(f"{study.uid}: {dict(kinds)}; {_story(receipt)}")
    elif kinds != COMPLETE_SET and _has_failed_visibly(receipt):
        verdict.failed_visibly += 1
        verdict.notes.append(f"{study.uid}: failed; {_story(receipt)}")
    elif kinds != COMPLETE_SET:
        verdict.lost += 1
        verdict.notes.append(f"{study.uid}: {dict(kinds)}; {_story(receipt)}")
    elif not _is_right(pacs, study, standing):
        verdict.wrong += 1
        verdict.notes.append(f"{study.uid}: the mask is not the one of this study; {_story(receipt)}")
    else:
        verdict.delivered += 1


def _has_failed_visibly(receipt: Receipt) -> bool:
    return bool(receipt.summary.failures)


def _is_right(pacs: Pacs, study: SentStudy, standing: dict[str, tuple[str, str]]) -> bool:
    (uid, series) = next((uid, series) for uid, (kind, series) in standing.items() if kind == SEGMENTATION)
    found = mask_of(pacs.fetch(study.uid, series, uid), study.sop_instance_uids)
    return bool(np.array_equal(found, study.mask))


def mask_of(segmentation: Dataset, sources: Sequence[str]) -> npt.NDArray[np.bool_]:
    """The one segment of a binary SEG on the slices `sources`, by the instance that each frame references."""
    frames = np.atleast_3d(segmentation.pixel_array).reshape(-1, segmentation.Rows, segmentation.Columns)
    mask = np.zeros((len(sources), segmentation.Rows, segmentation.Columns), bool)
    for frame, groups in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        source = groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        mask[sources.index(str(source))] |= frame.astype(bool)
    return mask


def _story(receipt: Receipt) -> str:
    work = [f"{item.workitem.package} {item.state} {item.reason_code or ''}".strip() for item in receipt.workitems]
    events = [f"{event.kind}{f'({event.code})' if event.code else ''}" for event in receipt.events[-12:]]
    return f"{work}; deliveries {dict(receipt.summary.deliveries)}; last events {events}"


def _value(item: dict[str, Any], tag: str) -> str:
    return str(item[tag]["Value"][0])
