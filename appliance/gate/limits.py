"""How much of everything is let in. The defaults are far above what scanners make and far below what does harm."""

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds on one object.

    depth: sequences within sequences; Orthanc 1.10.1 ends with SIGSEGV at 60 and lives at 40, and structured reports
    need about 15. level_elements: elements side by side. elements: elements of all levels together; an enhanced
    multi-frame object of 5,000 frames has about 200,000. decoded_bytes: what the pixel data would take uncompressed.
    """

    object_bytes: int = 2048 * _MIB
    inflated_bytes: int = 128 * _MIB
    depth: int = 32
    level_elements: int = 20_000
    elements: int = 400_000
    fragments: int = 500_000
    frame_pixels: int = 200_000_000
    frames: int = 100_000
    decoded_bytes: int = 32_768 * _MIB
