"""Objects in a syntax that only DCMTK decodes (12-bit JPEG Extended), written anew in Explicit VR Little Endian."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from appliance.domain.errors import PixelsDamaged, UnsupportedTransferSyntax

TIME_LIMIT_S = 60.0


def dcmdjpeg(path: Path) -> bytes:
    """The object at `path` decompressed by DCMTK's `dcmdjpeg`, in a process of its own.

    Raises UnsupportedTransferSyntax when DCMTK is not installed, PixelsDamaged when it cannot decode the object.
    """
    with TemporaryDirectory(prefix="appliance-") as folder:
        target = Path(folder, "decompressed.dcm")
        try:
            done = subprocess.run(
                ["dcmdjpeg", "--quiet", str(path), str(target)], capture_output=True, timeout=TIME_LIMIT_S, check=False
            )
        except FileNotFoundError as error:
            raise UnsupportedTransferSyntax("DCMTK (dcmdjpeg) is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise PixelsDamaged("dcmdjpeg did not come to an end") from error
        if done.returncode != 0 or not target.is_file():
            raise PixelsDamaged("dcmdjpeg cannot decode the object")
        return target.read_bytes()
