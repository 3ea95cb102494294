"""How element headers are encoded (PS3.5 7.1.2)."""

import struct

SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations by the width of their length field, two bytes or four."""
IN_FRAGMENTS = frozenset(b"OB OW OD OF OL OV".split())
"""Those that may be encapsulated."""
READERS = {order: tuple(struct.Struct(order + form).unpack_from for form in ("HH2sH", "HHI", "I")) for order in "<>"}
"""Byte order -> how to read a header with VR, one without, and a length of four bytes."""
