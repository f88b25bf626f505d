"""From words to a typed dataclass of arguments, by tyro; help texts are the docstrings of the fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import tyro

Arguments = TypeVar("Arguments")


def parse(kind: type[Arguments], words: Sequence[str], *, verb: str, default: Arguments | None = None) -> Arguments:
    """The arguments of a verb.

    Args:
        kind: A dataclass; nested dataclasses are flattened.
        words: What follows the verb.
        verb: For the usage line.
        default: Values instead of the fields' own, `tyro.MISSING` for required ones.

    Raises:
        SystemExit: Help was asked for (0), or the words are wrong (2).
    """
    parsed: Arguments = tyro.cli(
        kind,
        prog=f"neurofit {verb}",
        args=list(words),
        default=default,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )  # type: ignore[assignment]
    return parsed


def split_commas(words: Sequence[str], option: str) -> list[str]:
    """`--option 1,2` and `--option=1,2` as `--option 1 2`."""
    out: list[str] = []
    for word in words:
        if out and out[-1] == option:
            out += word.split(",")
        elif word.startswith(f"{option}="):
            out += [option, *word.removeprefix(f"{option}=").split(",")]
        else:
            out.append(word)
    return out
