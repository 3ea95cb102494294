"""Why an analysis was refused, in the words of a report: the titles of the error tree, and their translation."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from appliance.domain.errors import ApplianceError


def _tree(kind: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


ENGLISH: Mapping[str, str] = MappingProxyType({kind.code: kind.title for kind in _tree(ApplianceError)})
"""Error code -> title."""

GERMAN: Mapping[str, str] = MappingProxyType(
    {
        "geometry-frame-of-reference-mixed": "Die Schichten gehören zu verschiedenen Bezugssystemen",
        "geometry-gantry-tilt": "Die Schichten sind gegen ihre Normale geschert (Gantry-Kippung)",
        "geometry-matrix-mixed": "Zeilen- und Spaltenzahl sind von Schicht zu Schicht verschieden",
        "geometry-missing": "Bildposition, Bildorientierung oder Pixelabstand fehlen oder sind ungültig",
        "geometry-orientation-mixed": "Die Schichten sind nicht parallel",
        "geometry-refused": "Die Schichten bilden kein Volumen mit verlässlicher Geometrie",
        "geometry-slices-duplicated": "Mehrere verschiedene Schichten beanspruchen dieselbe Position",
        "geometry-slices-missing": "Im Stapel fehlen Schichten",
        "geometry-spacing-uneven": "Der Schichtabstand ist ungleichmäßig, oder die Pixelabstände sind verschieden",
        "geometry-too-few-slices": "Zu wenige Schichten für ein Volumen",
        "input-anatomy-not-found": "Die gesuchte Struktur ist nicht im Bild",
        "input-decoding-crashed": "Der Prozess, der das Objekt dekodierte, ist zweimal abgestürzt",
        "input-decoding-memory": "Das Dekodieren braucht mehr Speicher, als ein Dekodierprozess haben darf",
        "input-decoding-time": "Das Dekodieren dauert länger, als es darf",
        "input-modality-contradicted": "Die Intensitäten widersprechen der Modalität im Header",
        "input-not-applicable": "Die Serie erfüllt die Auswahlkriterien des Modells nicht",
        "input-pixels-damaged": "Die Pixeldaten sind abgeschnitten oder nicht dekodierbar",
        "input-pixels-unsupported": "Die Bildpixel-Attribute fehlen, widersprechen sich oder werden nicht unterstützt",
        "input-quality-insufficient": "Die Bildqualität liegt unter der, für die das Modell gemacht ist",
        "input-refused": "Die Eingabe kann kein verlässliches Ergebnis geben",
        "input-rescale-mixed": "Die Einheiten der gespeicherten Werte sind verschieden oder unbekannt",
        "input-too-large": "Die Eingabe ist größer, als die Grenzen erlauben",
        "input-transfer-syntax": "Die Pixeldaten sind in einer Weise kodiert, die hier nicht dekodierbar ist",
        "input-uid-contested": "Zwei verschiedene Objekte beanspruchen dieselbe SOP Instance UID",
        "input-unreadable": "Das Objekt ist nicht als DICOM lesbar",
        "ledger-attempts-exhausted": "Die Analyse ist so oft gescheitert, wie sie darf",
        "memory-short": "Der Speicher reicht für dieses Modell nicht",
        "model-file-changed": "Eine Datei des Modellpakets ist nicht die im Manifest genannte",
        "model-golden-case-failed": "Das Modell reproduziert auf dieser Maschine seinen Referenzfall nicht",
        "model-manifest-invalid": "Das Manifest des Modellpakets ist ungültig",
        "model-package": "Das Modellpaket darf nicht benutzt werden",
        "model-recipe-refused": "Die Quelle der Gewichte fehlt oder ist nicht die im Rezept genannte",
        "model-runtime-mismatch": "Die Laufzeitumgebung tut nicht, was das Paket verlangt",
        "model-unknown": "Das Modellpaket gibt es nicht",
        "model-weights-missing": "Die Gewichte des Modells wurden noch nicht geholt",
        "result-refused": "Ein Ergebnisobjekt sagt nicht, was gefunden wurde, und wurde nicht gesendet",
    }
)
"""The same for what can refuse an analysis; other codes stand for themselves."""
