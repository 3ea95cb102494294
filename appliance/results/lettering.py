"""Lines of text for a picture: wrapped, shrunk or cut to a width, and in a typeface that is there everywhere.

The typeface knows Western European letters; others appear as "?" in a picture and stand unharmed in the SR.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

_LONGEST_PIECE = 80


def wrapped(text: str, font: Font, width: int) -> list[str]:
    """Lines of at most `width` pixels; a word that is longer than a line is broken."""
    lines = [""]
    for word in _latin(text).split():
        for piece in _pieces(word, font, width):
            longer = f"{lines[-1]} {piece}".strip()
            if font.getlength(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(piece)
    return lines


def _pieces(word: str, font: Font, width: int) -> Iterator[str]:
    """A word that is longer than a line, in parts that are not."""
    while len(word) > _LONGEST_PIECE or font.getlength(word) > width:
        size = max(1, _fitting(word[:_LONGEST_PIECE], font, width))
        yield word[:size]
        word = word[size:]
    yield word


def _fitting(text: str, font: Font, width: int, end: str = "") -> int:
    """How many characters of `text` fit, with `end` behind them."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle] + end) <= width else (low, middle - 1)
    return low


def fitted(text: str, width: int, sizes: Sequence[int], *, bold: bool = False) -> tuple[str, Font]:
    """One line in the largest of `sizes` in which it fits; else its beginning in the smallest."""
    line = " ".join(_latin(text).split())
    for size in sizes:
        font = font_of(size, bold=bold)
        if font.getlength(line) <= width:
            return line, font
    return f"{line[: _fitting(line, font, width, '…')]}…", font


def font_of(size: int, *, bold: bool = False) -> Font:
    """The typeface in `size` pixels, made anew, so that threads share none."""
    file = BytesIO(_typeface("VeraBd.ttf" if bold else "Vera.ttf"))
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _typeface(name: str) -> bytes:
    """Bitstream Vera as reportlab brings it along."""
    return (files("reportlab") / "fonts" / name).read_bytes()


def _latin(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")
