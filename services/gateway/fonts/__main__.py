"""Makes the two fonts: ``python -m services.gateway.fonts NotoSansSC_400Regular.ttf NotoSerifSC_600SemiBold.ttf``.

The sources are in the npm packages ``@expo-google-fonts/noto-sans-sc`` and ``noto-serif-sc``, version 0.4.3.
What is left out: characters that certificates do not need, hinting, and layout features but kerning.
"""

import sys
from pathlib import Path
from typing import Any
from unicodedata import category

from fontTools import subset
from fontTools.ttLib import TTFont

from services.gateway.certificates import KINDS, UNIT
from services.gateway.fonts import DISPLAY, TEXT

_LATIN = {*range(0x20, 0x250), *range(0x1E00, 0x1F00), *range(0x2010, 0x20C0)}


def _gbk() -> set[int]:
    pairs = (bytes((first, second)) for first in range(0x81, 0xFF) for second in range(0x40, 0xFF))
    return {ord(char) for pair in pairs for char in pair.decode("gbk", "ignore")[:1]}


def _titles() -> set[int]:
    return {ord(char) for kind in KINDS for char in kind.title.zh + UNIT.zh}


def make(source: Path, characters: set[int], target: Path) -> None:
    """Writes the part of a font that shows these characters, without those that nobody sees."""
    wanted = {char for char in characters if category(chr(char))[0] != "C"}
    options: Any = subset.Options(
        hinting=False, layout_features=["kern"], drop_tables=["GSUB", "vhea", "vmtx", "BASE"]
    )
    font: Any = TTFont(source, recalcTimestamp=False)
    subsetter: Any = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted)
    subsetter.subset(font)
    font.flavor = "woff"
    font.save(target)


if __name__ == "__main__":
    sans, serif = map(Path, sys.argv[1:])
    make(sans, _LATIN | _gbk(), TEXT)
    make(serif, set(range(0x20, 0x7F)) | _titles(), DISPLAY)
