"""The report: well-formed, self-contained, and nothing from a file is taken for markup."""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser

from neurofit.figures import figure_png, report_html, score_summary

HOSTILE = "<script>alert('x')</script>\"&' onerror=\"y\" $ 日本"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails where a tag is closed that was not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def all(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def make_page(dpi: float = 40) -> str:
    return report_html(
        title=HOSTILE,
        summary=HOSTILE,
        tables=[(HOSTILE, ["channel", HOSTILE, "n"], [[HOSTILE, 0.123456, 3], ["b", None, 4], ["c", float("nan"), 5]])],
        figures=[(HOSTILE, score_summary({"model": 0.1, "mean": 1.0}))],
        details={HOSTILE: HOSTILE, "seed": "0"},
        dpi=dpi,
    )


def test_the_page_is_well_formed_and_escapes_every_text() -> None:
    page = Page(make_page())
    assert page.open == []
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object"})
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    for tag in ("title", "h1", "p", "caption", "figcaption", "dt", "dd"):
        assert HOSTILE in page.all(tag), tag
    assert next(attributes for tag, attributes in page.tags if tag == "img")["alt"] == HOSTILE


def test_the_page_refers_to_nothing_outside_itself() -> None:
    html = make_page()
    page = Page(html)
    references = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href", "srcset")
    ]
    assert len(references) == 1
    assert references[0] is not None
    assert references[0].startswith("data:image/png;base64,")
    assert not re.search(r"https?:|//|url\(|@import", re.sub(r'src="[^"]*"', "", html))


def test_the_figure_in_the_page_is_the_figure() -> None:
    html = make_page(dpi=60)
    data = re.search(r"base64,([^\"]*)", html)
    assert data is not None
    assert b64decode(data.group(1)) == figure_png(score_summary({"model": 0.1, "mean": 1.0}), dpi=60)


def test_numbers_are_rounded_right_aligned_and_missing_ones_named() -> None:
    page = Page(make_page())
    assert page.all("td") == [HOSTILE, "0.1235", "3", "b", "n/a", "4", "c", "n/a", "5"]
    classes = [attributes.get("class") for tag, attributes in page.tags if tag == "td"]
    assert classes == [None, "number", "number"] * 3


def test_a_page_without_tables_figures_and_details() -> None:
    page = Page(report_html(title="empty", summary="nothing was fitted"))
    assert page.all("p") == ["nothing was fitted"]
    assert "dl" not in {tag for tag, _ in page.tags}
