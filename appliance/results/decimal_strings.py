"""Numbers as Decimal Strings (PS3.5 6.2, VR DS)."""

from pydicom.valuerep import format_number_as_ds

LONGEST = 16
_ENOUGH_DIGITS = 10


def decimal_string(value: float) -> str:
    """The number as a DS of at most 16 characters, as exact as they allow.

    pydicom counts the digits before it rounds, so that -9.999999999999998 becomes 17 characters; such a value is
    written with ten significant digits, which is less than it is away from the number they say.
    """
    text = format_number_as_ds(float(value))
    return text if len(text) <= LONGEST else f"{float(value):.{_ENOUGH_DIGITS}g}"
