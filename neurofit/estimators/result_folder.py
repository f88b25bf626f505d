"""The folder that an analysis of a recording leaves: what was asked of which bytes, its numbers, figures and report.

result/  config.json  environment.json  scores.json  figures/  report.html, and the files of the analysis
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neurofit import figures
from neurofit.estimators.pictures import Figures, write_figures
from neurofit.figures.report import Table
from neurofit.runs import Run, RunError, environment, fingerprint
from neurofit_io import Recording
from neurofit_io.files import write_text


def create_result(
    out: str | os.PathLike[str],
    analysis: str,
    options: Mapping[str, Any],
    recording: Recording,
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
) -> Run:
    """Makes the folder of an analysis.

    Args:
        out: The folder.
        analysis: What is done, such as `connectivity infer`.
        options: All options of it, JSON-able.
        recording: What it is done to.
        overwrite: Remove a result that is there first.
        command: The command line, for the record.

    Raises:
        RunError: The folder holds something already.
    """
    source = recording.provenance
    stored = {
        "path": str(Path(source.path).absolute()) if source.files else None,
        "format": source.format,
        "fingerprint": fingerprint(source.path, source.files) if source.files else None,
    }
    refuse_taken(out, overwrite=overwrite)
    config = {"analysis": analysis, "recording": stored, "options": dict(options)}
    run = Run.create(out, config, overwrite=overwrite)
    run.write_environment(environment(threads=_threads(), device="cpu", command=command))
    return run


def refuse_taken(out: str | os.PathLike[str], *, overwrite: bool) -> None:
    """Checks, before long work begins, that a result may be written to a folder.

    Raises:
        RunError: Something is there and may not be replaced.
    """
    path = Path(out)
    if not overwrite and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(path, "something is there already", do="give --overwrite to replace a result, or another folder")


@contextlib.contextmanager
def abandoned_on_error(run: Run) -> Iterator[None]:
    """Removes a result that could not be made, so that the mended command does not find its folder taken."""
    try:
        yield
    except BaseException:
        if not run.finished:
            shutil.rmtree(run.path)
        raise


def finish_result(
    run: Run,
    *,
    title: str,
    summary: str,
    tables: Sequence[Table] = (),
    drawn: Figures = (),  # type: ignore[assignment]
    notes: Sequence[str] = (),
) -> Path:
    """Writes figures and report, and marks the result as ended.

    Args:
        run: The folder, with the numbers of the analysis in it already.
        title: Title of the report.
        summary: The result in one plain line.
        tables: Triples (caption, header, rows).
        drawn: Triples (file name, caption, figure).
        notes: What is to be known about the result, a sentence each.

    Returns:
        Path of the report.
    """
    kept = run.config()
    details = {f"note {i}": note for i, note in enumerate(notes, 1)}
    details |= {name: str(value) for name, value in kept["options"].items() if value is not None}
    surroundings = run.environment()
    details |= {name: str(surroundings[name]) for name in ("command", "python", "packages", "cpu", "threads")}
    details |= {"recording": str(kept["recording"]["path"]), "fingerprint": str(kept["recording"]["fingerprint"])}
    pictures = write_figures(run.figures_path, list(drawn))
    report = run.path / "report.html"
    write_text(
        report, figures.report_html(title=title, summary=summary, tables=tables, figures=pictures, details=details)
    )
    run.finish()
    return report


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
