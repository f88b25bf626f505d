"""Puts the measured tables into RESULTS.md, between the markers of each benchmark; the words around them stay.

<!-- binning -->
...
<!-- end -->
"""

from __future__ import annotations

import re
from pathlib import Path

from protocol import rows, table

PAGE = Path(__file__).parent / "RESULTS.md"
MARKED = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Rewrites the page; a benchmark without rows keeps its old table."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKED.sub(_filled, text), encoding="utf-8")


def _filled(section: re.Match[str]) -> str:
    measured = rows(section[2])
    return f"{section[1]}{table(measured)}\n{section[3]}" if measured else section[0]


if __name__ == "__main__":
    main()
