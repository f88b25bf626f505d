"""From words to a typed dataclass of arguments, by tyro; help texts are the docstrings of the fields."""

from __future__ import annotations

import dataclasses
import functools
import operator
import sys
from collections.abc import Sequence
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

Arguments = TypeVar("Arguments")

RecordingPath = tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="RECORDING")]]
"""The argument that verbs of one recording begin with."""

RecordingPaths = tyro.conf.Positional[Annotated[tuple[Path, ...], tyro.conf.arg(metavar="RECORDING...")]]
"""The argument of verbs that take several recordings as one."""

_REGISTRY = ConstructorRegistry()


@_REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Shows `int | None` as INT in the help, where tyro says {None}|INT; the word None is still understood."""
    if NoneType not in get_args(info.type):
        return None
    others = functools.reduce(operator.or_, (kind for kind in get_args(info.type) if kind is not NoneType))
    spec = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(others, info.markers))
    assert isinstance(spec, PrimitiveConstructorSpec)
    return dataclasses.replace(
        spec,
        instance_from_str=lambda words: None if words == ["None"] else spec.instance_from_str(words),
        is_instance=lambda value: value is None or spec.is_instance(value),
        str_from_instance=lambda value: ["None"] if value is None else spec.str_from_instance(value),
        choices=None if spec.choices is None else (*spec.choices, "None"),
    )


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
        registry=_REGISTRY,
    )  # type: ignore[assignment]
    return parsed


def require_recording(recordings: Sequence[Path], *, verb: str) -> None:
    """Ends the program as other wrong usage does where no recording is given; tyro takes none for several of none."""
    if not recordings:
        print(f"neurofit {verb}: no RECORDING given; see neurofit {verb} --help", file=sys.stderr)
        raise SystemExit(2)


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
