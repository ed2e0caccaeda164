"""The fonts of certificates: Noto Sans SC for what is recorded, Noto Serif SC for what is printed on each.

Both under the SIL Open Font License 1.1, whose text stands beside them. ``python -m services.gateway.fonts`` makes
them from the fonts as Google publishes them.
"""

from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

TEXT = Path(__file__).with_name("NotoSansSC-GBK.woff")
"""Every character of GBK, and Latin with all its accents."""
DISPLAY = Path(__file__).with_name("NotoSerifSC-Display.woff")
"""ASCII and the few characters of titles."""


@cache
def characters(font: Path) -> frozenset[str]:
    """What a font can show."""
    with TTFont(font, lazy=True) as opened:
        return frozenset(map(chr, opened.getBestCmap() or ()))
