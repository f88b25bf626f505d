"""The house keeps its shape: who may import whom, and what must stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT: dict[str, set[str]] = {
    "neurofit_io": set(),
    "metrics": set(),
    "runs": {"neurofit_io"},
    "preparation": {"neurofit_io"},
    "linear": {"metrics"},
    "models": {"linear"},
    "training": {"runs", "metrics"},
    "tasks": set(),
    "simulate": {"neurofit_io"},
    "connectivity": {"neurofit_io", "metrics", "linear"},
    "statespace": {"metrics"},
    "dynamics": {"models.transition", "metrics"},
    "behaviour": {"metrics"},
    "figures": set(),
    "estimators": {
        "neurofit_io", "metrics", "runs", "preparation", "linear", "models", "training", "tasks", "simulate",
        "connectivity", "statespace", "dynamics", "behaviour", "figures",
    },
    "cli": {
        "estimators", "neurofit_io", "metrics", "runs", "preparation", "linear", "models", "training", "tasks",
        "simulate", "connectivity", "statespace", "dynamics", "behaviour", "figures",
    },
}  # fmt: skip
"""Room to the rooms it may import; `models.transition` is one file of a room."""


def _files() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "io" / "neurofit_io").rglob("*.py")):
        yield "neurofit_io", path
    for path in sorted((ROOT / "neurofit").rglob("*.py")):
        parts = path.relative_to(ROOT / "neurofit").parts
        if len(parts) > 1:
            yield parts[0], path


def _imported(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, lazily or not."""
    package = list(path.relative_to(ROOT).with_suffix("").parts[:-1])
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def _allowed(room: str, name: str) -> bool:
    parts = name.split(".")
    if parts[0] == "neurofit_io":
        return room == "neurofit_io" or "neurofit_io" in MAY_IMPORT[room]
    if parts[0] != "neurofit" or len(parts) == 1:
        return True
    target = parts[1]
    return target in (room, "__version__") or target in MAY_IMPORT[room] or ".".join(parts[1:3]) in MAY_IMPORT[room]


@pytest.mark.parametrize(("room", "path"), [pytest.param(r, p, id=str(p.relative_to(ROOT))) for r, p in _files()])
def test_imports_follow_the_table(room: str, path: Path) -> None:
    assert room in MAY_IMPORT, f"{path} lies in a room the table does not know"
    wrong = sorted(name for name in _imported(path) if not _allowed(room, name))
    assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}"


def test_the_table_catches_a_wrong_arrow() -> None:
    assert not _allowed("metrics", "neurofit.training.loop")
    assert not _allowed("neurofit_io", "neurofit.runs")
    assert not _allowed("dynamics", "neurofit.models.cells")
    assert _allowed("dynamics", "neurofit.models.transition")


@pytest.mark.parametrize("room", ["neurofit_io", "metrics", "runs", "preparation", "linear", "figures"])
def test_rooms_without_torch(room: str) -> None:
    for owner, path in _files():
        if owner == room:
            assert not {n for n in _imported(path) if n.split(".")[0] == "torch"}, f"{path} imports torch"


def test_io_holds_no_python_file_of_its_own() -> None:
    assert not list((ROOT / "io").glob("*.py"))


def _modules_after(code: str) -> set[str]:
    script = f"import sys\nsys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'io')!r}]\n{code}\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


def test_help_and_info_stay_light() -> None:
    run = "from neurofit.cli.main import main\ntry:\n    main({})\nexcept SystemExit:\n    pass"
    recording = str(ROOT / "examples" / "data" / "bionet_60cells")
    for arguments in (["--help"], ["fit", "--help"], ["predict", "--help"], ["info", recording]):
        loaded = _modules_after(run.format(arguments))
        assert "torch" not in loaded, f"neurofit {' '.join(arguments)} imports torch"
    assert "numpy" not in _modules_after(run.format(["--help"]))


def test_no_pickle_in_either_package() -> None:
    for _, path in _files():
        text = path.read_text(encoding="utf-8")
        assert "import pickle" not in text, path
        assert "allow_pickle=True" not in text, path
        assert "torch.load" not in text, path


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names)), "pytest imports test files by their bare names"
