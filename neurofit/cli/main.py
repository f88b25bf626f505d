"""`neurofit VERB ...`: the first word decides which file is imported; a user's mistake ends in one line."""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import TextIO

from neurofit.training.signals import Interrupted
from neurofit_io.errors import RecordingError, RecordingWarning

VERBS = {
    "info": "what a recording holds, and the option that picks each part",
    "check": "what is wrong or odd with a recording",
    "convert": "write a recording as neurofit HDF5 (.h5), NWB (.nwb) or raw files (.bin)",
    "fit": "fit a next-step model and score it on held-out time",
    "compare": "fit next-step models of several cells and sizes, and rank them on validation",
    "predict": "predict held-out time, or another recording, with a fitted model",
    "simulate": "make ground truth: networks and systems whose connections and states are known",
    "connectivity": "infer who connects to whom from voltages and spikes, and score it against the truth",
}

USAGE = "\n".join(
    (
        "usage: neurofit VERB ...   (neurofit VERB --help says more)",
        "",
        "Fits models to neural population recordings, and scores them on time they have not seen.",
        "",
        *(f"  {verb:<14}{what}" for verb, what in VERBS.items()),
        "",
        "  --debug  show the traceback of an error",
        "  --version",
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one verb and exits: 0 done, 1 a mistake that can be mended, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    warnings.showwarning = _show_warning
    sys.exit(_run(words, debug))


def _run(words: list[str], debug: bool) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] == "--version":
        print(importlib.import_module("neurofit").__version__)
        return 0
    if words[0] not in VERBS:
        print(f"neurofit: no verb {words[0]!r}; expected one of {', '.join(VERBS)}", file=sys.stderr)
        return 2
    try:
        return int(importlib.import_module(f"neurofit.cli.{words[0]}").run(words[1:]) or 0)
    except Interrupted as stop:
        return _stopped(f"{stop}; go on with the same command and --resume auto", 128 + stop.signum, debug)
    except KeyboardInterrupt:
        return _stopped("interrupted", 130, debug)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except (RecordingError, OSError, MemoryError) as error:
        return _stopped(_one_line(error), 1, debug)
    except RuntimeError as error:
        # torch has no error of its own for memory that runs out on the CPU.
        if not any(words in str(error) for words in ("can't allocate memory", "out of memory")):
            raise
        return _stopped("not enough memory; use a smaller --hidden, --batch or --chunk, or --channels", 1, debug)


def _one_line(error: BaseException) -> str:
    if isinstance(error, RecordingError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}; use --channels, --time or --decimate"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _stopped(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"neurofit: {message}", file=sys.stderr)
    return code


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if issubclass(category, RecordingWarning):
        print(f"warning: {message}", file=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


if __name__ == "__main__":
    main()
