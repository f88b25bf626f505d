"""The one error and the one warning of this package: a single line a user can act on."""

from __future__ import annotations

import os


class RecordingError(ValueError):
    """Something about a file or an option that the user can mend.

    The message is one line: file, place inside it, what was found, what was expected, what to do.

    Args:
        file: The file concerned; empty when the problem is not in a file.
        found: What is wrong, in words.
        place: Path inside the file, or the index, at which it was found.
        expected: What should have been there.
        do: The option or the command that helps.
    """

    def __init__(
        self, file: str | os.PathLike[str], found: str, *, place: str = "", expected: str = "", do: str = ""
    ) -> None:
        self.file, self.found, self.place, self.expected, self.do = os.fspath(file), found, place, expected, do
        where = ": ".join(part for part in (self.file, place) if part)
        rest = "; ".join(part for part in (found, expected and f"expected {expected}", do) if part)
        super().__init__(" ".join((f"{where}: {rest}" if where else rest).split()))


class RecordingWarning(UserWarning):
    """Something odd that was handled; the text says how many channels, samples or trials it concerns."""
