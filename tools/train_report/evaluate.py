"""How well the exported generator reports held-out renderings, run through ONNX Runtime as the appliance runs it.

python -m tools.train_report.evaluate models_onnx/phantom-report/1.0.0 --count 1000
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from appliance.domain.image import GridImage, Prepared
from appliance.inference import generation
from appliance.inference.onnx_network import OnnxNetwork
from appliance.node.samples.phantom_findings import (
    Effusion,
    Nodules,
    PhantomFindings,
    Side,
    Size,
    Zone,
    conclusions,
    statements,
)
from tools.train_report.dataset import HELD_OUT_SEED, renderings

SINGLE_FINDINGS = {
    **{f"nodule, {side} {zone} zone": [Nodules(side, zone, n) for n in (1, 2)] for side in Side for zone in Zone},
    **{f"effusion, {side}": [Effusion(side, size) for size in Size] for side in Side},
}
"""Name of a finding -> the forms in which it counts as present."""


def positives(findings: PhantomFindings) -> set[str]:
    """Names of what is present, count and size left out."""
    shown = [*findings.nodules, *findings.effusions]
    names = {name for name, forms in SINGLE_FINDINGS.items() if any(form in shown for form in forms)}
    names |= {"enlarged heart"} if findings.enlarged_heart else set()
    return names | ({f"catheter, {findings.catheter}"} if findings.catheter else set())


def read_back(text: str) -> PhantomFindings | None:
    """The findings that a report states, or None if it says anything that no ground-truth report could."""
    sections = re.fullmatch(r"Findings: (.*) Impression: (.*)", text)
    if sections is None:
        return None
    said = set(re.split(r"(?<=\.) ", sections[1]))
    sides = {side for side in Side if statements(PhantomFindings(catheter=side))[-1] in said}
    findings = PhantomFindings(
        nodules=tuple(n for f in SINGLE_FINDINGS.values() for n in f if isinstance(n, Nodules) and _said(n, said)),
        effusions=tuple(e for f in SINGLE_FINDINGS.values() for e in f if isinstance(e, Effusion) and _said(e, said)),
        enlarged_heart=statements(PhantomFindings(enlarged_heart=True))[-2] in said,
        catheter=min(sides, default=None),
    )
    consistent = set(statements(findings)) == said and " ".join(conclusions(findings)) == sections[2]
    return findings if consistent else None


def _said(finding: Nodules | Effusion, said: set[str]) -> bool:
    if isinstance(finding, Nodules):
        return statements(PhantomFindings(nodules=(finding,)))[0] in said
    return statements(PhantomFindings(effusions=(finding,)))[1] in said


def generated_texts(package: Path, images: np.ndarray, beams: int) -> list[str]:
    """The report of each image, uint8 [n, 256, 256]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    networks = {
        role: OnnxNetwork(onnxruntime.InferenceSession(package / "model" / f"{role}.onnx", options))
        for role in ("encoder", "decoder")
    }
    texts = []
    for image in images:
        values = (image.astype(np.float32) / 255)[np.newaxis]
        prepared = Prepared(image=GridImage(values=values, to_source=np.eye(3), source_shape=image.shape))
        texts.append(str(generation.run(networks, prepared, {"beams": beams})["text"]))
    return texts


def scores(truth: Sequence[PhantomFindings], texts: Sequence[str]) -> dict[str, object]:
    """Share of reports that state exactly the findings drawn, and sensitivity and specificity per finding."""
    stated = [read_back(text) for text in texts]
    counts: Counter[tuple[str, bool, bool]] = Counter()
    names = [*SINGLE_FINDINGS, "enlarged heart", *(f"catheter, {side}" for side in Side)]
    for drawn, said in zip(truth, stated, strict=True):
        shown, claimed = positives(drawn), positives(said) if said else set[str]()
        counts.update((name, name in shown, name in claimed) for name in names)
    return {
        "reports": len(texts),
        "all findings exact": float(np.mean([said == drawn for said, drawn in zip(stated, truth, strict=True)])),
        "presence of all findings exact": float(
            np.mean([bool(s) and positives(s) == positives(d) for s, d in zip(stated, truth, strict=True)])
        ),
        "text malformed or contradictory": float(np.mean([said is None for said in stated])),
        "findings": {
            name: {
                "present in": counts[name, True, True] + counts[name, True, False],
                "sensitivity": counts[name, True, True] / (counts[name, True, True] + counts[name, True, False]),
                "specificity": counts[name, False, False] / (counts[name, False, False] + counts[name, False, True]),
            }
            for name in names
        },
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--beams", type=int, default=1)
    arguments = parser.parse_args()
    data = renderings(HELD_OUT_SEED, arguments.count, processes=2)
    print(json.dumps(scores(data.findings, generated_texts(arguments.package, data.images, arguments.beams)), indent=2))


if __name__ == "__main__":
    main()
