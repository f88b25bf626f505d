"""One run as a folder: made, resumed, written to and read back.

    run/  config.json  environment.json  metrics.jsonl  model.safetensors  checkpoint/  snapshots/
          scores.json  figures/  report.html

`config.json` makes the folder a run; `finish()` sets `finished` in `environment.json` as the last thing of all. Every
file is replaced whole, except `metrics.jsonl`, which grows by a line an epoch and is cut back when a run is resumed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from neurofit.runs.compare import differences
from neurofit_io.errors import RecordingError
from neurofit_io.files import write_json

Resume = Literal["never", "auto", "must"]

_FORMAT = "neurofit_run"
_UNFINISHED_WRITE = re.compile(r"\..+\.\d+-[0-9a-f]{8}(\..+)?|\.tmp\w{6}")
"""Names under which a killed process leaves half a file: those of `atomic_path`, and those of safetensors."""


class RunError(RecordingError):
    """Something about a run folder that the user can mend."""


class Run:
    """A run folder. Make one with `Run.create`, read one with `Run.open`.

    Attributes:
        path: the folder.
        resumed: whether `create` found the run there already.
    """

    def __init__(self, path: str | os.PathLike[str], *, resumed: bool = False) -> None:
        self.path = Path(path)
        self.resumed = resumed

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        config: Mapping[str, Any],
        *,
        resume: Resume = "never",
        overwrite: bool = False,
    ) -> Run:
        """Makes the folder, or finds the run in it that is to be resumed.

        Args:
            path: folder of the run; made with its parents.
            config: everything that decides the result, as JSON can hold it; on resume it must be the stored one.
            resume: "never" refuses a folder that holds a run, "auto" resumes one that is there, "must" needs one.
            overwrite: remove the run in the folder first.

        Raises:
            RunError: The folder holds something else, or a run that may not be touched, or one of other options.
        """
        run = cls(path)
        if overwrite and resume != "never":
            raise RunError(run.path, "asked both to resume and to overwrite", do="give --resume or --overwrite")
        if overwrite and run._is_taken():
            run._require_run(do="remove the folder yourself or give another one to --out")
            run._clear()
        if run._is_taken():
            return run._resume(config, resume)
        if resume == "must":
            raise RunError(run.path, "no run here to resume", do="give --resume auto to start one")
        run.path.mkdir(parents=True, exist_ok=True)
        write_json(run.path / "config.json", {_FORMAT: 1, **config})
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """Opens a finished run for reading.

        Raises:
            RunError: There is no run, or one that has not ended.
        """
        run = cls(path)
        run._require_run(do="give the --out folder of neurofit fit")
        if not run.finished:
            raise RunError(run.path, "a run that has not ended", do="end it: the same command with --resume auto")
        return run

    @property
    def metrics_path(self) -> Path:
        """File of the rows `append_metrics` wrote, one JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def model_path(self) -> Path:
        """File of the weights the run ended with."""
        return self.path / "model.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """File from which an interrupted run goes on."""
        return self.path / "checkpoint" / "state.safetensors"

    @property
    def figures_path(self) -> Path:
        """Folder of the figures."""
        return self.path / "figures"

    def snapshot_path(self, epoch: int) -> Path:
        """File of the weights after `epoch` epochs."""
        return self.path / "snapshots" / f"epoch_{epoch:06d}.safetensors"

    @property
    def finished(self) -> bool:
        """Whether the run has ended and all its files are there."""
        return (self.path / "environment.json").exists() and self.environment().get("finished") is not None

    def config(self) -> dict[str, Any]:
        """Returns what `create` was given."""
        config = self._read_json("config.json")
        config.pop(_FORMAT, None)
        return config

    def environment(self) -> dict[str, Any]:
        """Returns versions, machine and times of the run."""
        return self._read_json("environment.json")

    def scores(self) -> dict[str, Any]:
        """Returns the scores by span of time."""
        return self._read_json("scores.json")

    def metrics(self) -> list[dict[str, Any]]:
        """Returns one row an epoch, oldest first."""
        if not self.metrics_path.exists():
            return []
        return [json.loads(line) for line in self.metrics_path.read_text(encoding="utf-8").splitlines()]

    def write_environment(self, environment: Mapping[str, Any]) -> None:
        """Writes `environment.json`; the run counts as unfinished from here on."""
        write_json(self.path / "environment.json", {**environment, "finished": None})

    def write_scores(self, scores: Mapping[str, Any]) -> None:
        """Writes `scores.json`."""
        write_json(self.path / "scores.json", dict(scores))

    def append_metrics(self, row: Mapping[str, Any]) -> int:
        """Appends one line to `metrics.jsonl` and returns the length of the file in bytes."""
        with self.metrics_path.open("ab") as stream:
            stream.write(json.dumps(dict(row), allow_nan=False).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
            return stream.tell()

    def cut_metrics(self, length: int) -> None:
        """Cuts `metrics.jsonl` back to its first `length` bytes."""
        if self.metrics_path.exists() and self.metrics_path.stat().st_size > length:
            os.truncate(self.metrics_path, length)

    def copy_to(self, folder: str | os.PathLike[str]) -> None:
        """Copies the whole run to a folder that is not there yet.

        Raises:
            RunError: Something is there.
        """
        if Path(folder).exists():
            raise RunError(folder, "something is there already", expected="a new folder")
        beside = Path(folder).with_name(f".{Path(folder).name}.{os.getpid()}-copy")
        shutil.copytree(self.path, beside)
        beside.rename(folder)

    def finish(self) -> None:
        """Marks the run as ended; call it when every other file is written."""
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(self.path / "environment.json", {**self.environment(), "finished": finished})

    def _is_run(self) -> bool:
        try:
            return _FORMAT in self._read_json("config.json")
        except RunError:
            return False

    def _is_taken(self) -> bool:
        if not self.path.is_dir():
            return self.path.exists()
        return any(not _UNFINISHED_WRITE.fullmatch(entry.name) for entry in self.path.iterdir())

    def _clear(self) -> None:
        """Removes all there is, and last what makes the folder a run, so that a removal cut short can be repeated."""
        for entry in sorted(self.path.iterdir(), key=lambda entry: entry.name == "config.json"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def _require_run(self, *, do: str) -> None:
        if not self._is_run():
            found = "not a run of neurofit" if self.path.exists() else "no such folder"
            raise RunError(self.path, found, expected="a folder with the config.json of a run", do=do)

    def _resume(self, config: Mapping[str, Any], resume: Resume) -> Run:
        self._require_run(do="give another folder to --out")
        if resume == "never":
            raise RunError(self.path, "a run is there already", do="give --resume auto or --overwrite")
        changes = differences(self.config(), json.loads(json.dumps(dict(config))))
        if changes:
            do = "give the old options, or --overwrite, or another folder"
            raise RunError(self.path, f"the run has other options: {', '.join(changes)}", do=do)
        for left in self.path.rglob(".*"):
            if _UNFINISHED_WRITE.fullmatch(left.name):
                left.unlink()
        return Run(self.path, resumed=True)

    def _read_json(self, name: str) -> dict[str, Any]:
        file = self.path / name
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(self.path, f"{name} is missing", do="see whether the run has ended") from None
        except (OSError, ValueError) as error:
            raise RunError(file, f"cannot be read: {error}", expected="JSON") from error
        if not isinstance(content, dict):
            raise RunError(file, f"a JSON {type(content).__name__}", expected="a JSON object")
        return content
