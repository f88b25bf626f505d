"""Text tables: the delimiter, the header and the decimal mark found by looking, the numbers read by numpy.

A first row is a header when a field of it is no number, or when it counts the columns (0,1,2,... or 1,2,3,...).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurofit_io.errors import RecordingError

_DELIMITERS = {"\t": "tab", ";": "semicolon", ",": "comma", " ": "space"}
_MISSING = ("", "na", "n/a", "null", "none")
_LOOK = 20


@dataclass(frozen=True, eq=False)
class TextTable:
    """A delimited file.

    Args:
        path: The file.
        header: Column names; None without a header row.
        columns: One array a column: float64 where every field is a number (empty: NaN), else text.
        notes: What was assumed.
    """

    path: Path
    header: tuple[str, ...] | None
    columns: tuple[NDArray, ...]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The header, or `column 0`, `column 1`, ..."""
        return self.header or tuple(f"column {i}" for i in range(len(self.columns)))

    def numbers(self, chosen: Sequence[int]) -> NDArray[np.float64]:
        """The chosen columns side by side, (rows, columns).

        Raises:
            RecordingError: One of them holds text.
        """
        for index in chosen:
            column = self.columns[index]
            if column.dtype.kind == "U":
                first = next(value for value in column if not _is_missing(value) and _number(value) is None)
                raise RecordingError(
                    self.path, f"text such as {str(first)!r}", place=self.names[index], expected="numbers",
                    do="remove that column",
                )  # fmt: skip
        return np.column_stack([self.columns[i] for i in chosen])


def read_table(path: Path) -> TextTable:
    """Reads a comma, tab, semicolon or space separated file.

    Raises:
        RecordingError: Not text, empty, or rows of different lengths.
    """
    lines = text_lines(path)
    delimiter = find_delimiter(lines)
    decimal_comma = delimiter != "," and any("," in line for line in lines[-_LOOK:])
    if decimal_comma:
        lines = [lines[0], *(line.replace(",", ".") for line in lines[1:])]
    first = _split(lines[0], delimiter)
    header = tuple(name.strip() for name in first) if _is_header(first, decimal_comma) else None
    if decimal_comma and header is None:
        lines[0] = lines[0].replace(",", ".")
    body = lines if header is None else lines[1:]
    if not body:
        raise RecordingError(path, "a header and no rows", expected="numbers below it")
    columns = _columns(path, body, delimiter, len(first), 1 if header is None else 2)
    notes = ("decimal commas read as points",) if decimal_comma else ()
    if header and len(header) > 1 and header[0] == "" and np.array_equal(columns[0], np.arange(len(columns[0]))):
        # The index that pandas writes.
        note = "the first column, without a name, counts the rows and is left out"
        return TextTable(path, header[1:], columns[1:], (*notes, note))
    return TextTable(path, header, columns, notes)


def text_lines(path: Path) -> list[str]:
    """The lines that are not blank, without a byte order mark.

    Raises:
        RecordingError: Not UTF-8 text, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordingError(path, f"byte {error.start} is no UTF-8 text", expected="a csv or tsv in UTF-8") from error
    lines = [line.strip(" \r") for line in text.split("\n")]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise RecordingError(path, "no rows in it", expected="a table of numbers")
    return lines


def find_delimiter(lines: Sequence[str]) -> str:
    """The first of tab, semicolon, comma, space that splits the first rows into equally many numbers."""
    look = lines[:_LOOK]
    fallback = ","
    for delimiter in reversed(_DELIMITERS):
        if all(len(_split(line, delimiter)) > 1 for line in look):
            fallback = delimiter
    for delimiter in _DELIMITERS:
        rows = [_split(line, delimiter) for line in look]
        widths = {len(row) for row in rows}
        fields = [f if delimiter == "," else f.replace(",", ".") for row in rows[1:] or rows for f in row]
        if len(widths) == 1 and widths != {1} and all(_is_missing(f) or _number(f) is not None for f in fields):
            return delimiter
    return fallback


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return next(csv.reader([line], delimiter=delimiter))


def _is_header(fields: Sequence[str], decimal_comma: bool) -> bool:
    values = [_number(f.replace(",", ".") if decimal_comma else f) for f in fields]
    if any(v is None and not _is_missing(f) for f, v in zip(fields, values, strict=True)):
        return True
    counts = list(range(len(fields))), list(range(1, len(fields) + 1))
    return len(fields) > 1 and values in counts


def _columns(path: Path, body: list[str], delimiter: str, width: int, first_row: int) -> tuple[NDArray, ...]:
    try:
        table = np.loadtxt(
            io.StringIO("\n".join(body)), delimiter=None if delimiter == " " else delimiter, comments=None, ndmin=2,
            quotechar='"',
        )  # fmt: skip
    except ValueError:
        return _columns_one_by_one(path, body, delimiter, width, first_row)
    if table.shape[1] != width:
        raise _ragged(path, first_row, width, table.shape[1])
    return tuple(table.T)


def _columns_one_by_one(path: Path, body: list[str], delimiter: str, width: int, first_row: int) -> tuple[NDArray, ...]:
    rows = [_split(line, delimiter) for line in body]
    for index, row in enumerate(rows):
        if len(row) != width:
            raise _ragged(path, index + first_row, width, len(row))
    return tuple(_column([row[i].strip() for row in rows]) for i in range(width))


def _ragged(path: Path, row: int, width: int, found: int) -> RecordingError:
    return RecordingError(path, f"{found} fields", place=f"row {row}", expected=f"{width} as in the first row",
                          do="repair the row; a decimal comma in a comma-separated file looks like this")  # fmt: skip


def _column(fields: list[str]) -> NDArray:
    values = [np.nan if _is_missing(f) else _number(f) for f in fields]
    return np.array(fields) if any(v is None for v in values) else np.array(values, dtype=np.float64)


def _is_missing(field: str) -> bool:
    return field.strip().lower() in _MISSING


def _number(field: str) -> float | None:
    try:
        return float(field)
    except ValueError:
        return None
