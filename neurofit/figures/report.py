"""One self-contained HTML page: summary, tables, figures and details, to read, print or send as a single file.

Nothing is loaded from elsewhere: figures are PNG inside the page, and its content policy forbids everything else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from neurofit.figures.style import figure_png

Cell = str | int | float | None
Table = tuple[str, Sequence[str], Sequence[Sequence[Cell]]]

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --faint: #d8d8d8; --soft: #5c5c5c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181b; --faint: #3b3f45; --soft: #a3a8ae; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.summary { font-size: 1.1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption, figcaption { text-align: left; color: var(--soft); font-size: 0.92rem; padding: 0.3rem 0; }
th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--faint);
  vertical-align: top; }
.number { text-align: right; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; background: #ffffff; border-radius: 4px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; font-size: 0.92rem; }
dt { color: var(--soft); } dd { margin: 0; }
@media print { :root { --ink: #000000; --paper: #ffffff; --faint: #cccccc; --soft: #444444; }
  body { max-width: none; margin: 0; font-size: 10pt; } figure, table { break-inside: avoid; } }
""".strip()

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_html(
    *,
    title: str,
    summary: str,
    tables: Sequence[Table] = (),
    figures: Sequence[tuple[str, Figure | bytes]] = (),
    details: Mapping[str, str] | None = None,
    dpi: float = 150,
) -> str:
    """The page as text; the caller writes it.

    Args:
        title: Title of the page.
        summary: The result in one plain line.
        tables: Triples (caption, header, rows); numbers are set right-aligned with four digits, None and NaN as n/a.
        figures: Pairs (caption, figure or its PNG); the caption is also the text for readers who do not see it.
        details: Names and values at the end: options, versions, fingerprint of the data.
        dpi: Resolution of the figures in dots per inch.

    Returns:
        A complete HTML document without any reference to another file or address.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="summary">{escape(summary)}</p>',
        *(_table(*table) for table in tables),
        *(_figure(caption, figure, dpi) for caption, figure in figures),
        _details(details or {}),
    ]
    return _page(title, "\n".join(part for part in parts if part))


def _page(title: str, body: str) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{_STYLE}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def _table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    columns = list(rows)
    numeric = [all(not isinstance(row[i], str) for row in columns) for i in range(len(header))]
    marks = [' class="number"' if number and columns else "" for number in numeric]
    head = "".join(f'<th scope="col"{mark}>{escape(name)}</th>' for mark, name in zip(marks, header, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{mark}>{_cell(value)}</td>" for mark, value in zip(marks, row, strict=True)) + "</tr>"
        for row in columns
    )
    title = f"<caption>{escape(caption)}</caption>"
    return f"<table>\n{title}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _cell(value: Cell) -> str:
    if value is None or value != value:
        return "n/a"
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _figure(caption: str, figure: Figure | bytes, dpi: float) -> str:
    data = b64encode(figure if isinstance(figure, bytes) else figure_png(figure, dpi=dpi)).decode("ascii")
    text = escape(caption)
    return (
        f'<figure>\n<img alt="{text}" src="data:image/png;base64,{data}">\n<figcaption>{text}</figcaption>\n</figure>'
    )


def _details(details: Mapping[str, str]) -> str:
    if not details:
        return ""
    rows = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in details.items())
    return f"<h2>Details</h2>\n<dl>\n{rows}\n</dl>"
