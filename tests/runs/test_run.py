"""The run folder: what is refused, what is resumed, and what is read back."""

from __future__ import annotations

import json

import pytest

from neurofit.runs import Run, RunError, environment

CONFIG = {"data": {"path": "a.nwb", "sha256": "12"}, "train": {"lr": 0.003, "epochs": 10, "snapshot_epochs": (5, 7)}}


def finished(path) -> Run:
    run = Run.create(path, CONFIG)
    run.write_environment(environment(threads=1, device="cpu"))
    run.write_scores({"test": {"mse": {"pooled": 0.5, "ci95": None}}})
    run.finish()
    return run


def test_what_is_written_is_read_back(tmp_path):
    run = finished(tmp_path / "deep" / "run")
    rows = [{"epoch": 1, "train": 0.1 + 0.2}, {"epoch": 2, "train": 1e-300}]
    for row in rows:
        run.append_metrics(row)
    again = Run.open(run.path)
    assert again.config() == json.loads(json.dumps(CONFIG))
    assert again.metrics() == rows
    assert again.scores()["test"]["mse"] == {"pooled": 0.5, "ci95": None}
    assert again.environment()["threads"] == 1
    assert again.finished


def test_a_new_run_is_not_resumed_and_has_no_metrics(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    assert not run.resumed
    assert not run.finished
    assert run.metrics() == []


def test_a_run_that_exists_is_refused_with_both_ways_out(tmp_path):
    Run.create(tmp_path / "run", CONFIG)
    with pytest.raises(RunError, match=r"run: a run is there already; give --resume auto or --overwrite"):
        Run.create(tmp_path / "run", CONFIG)


@pytest.mark.parametrize("arguments", [{}, {"resume": "auto"}, {"resume": "must"}, {"overwrite": True}])
@pytest.mark.parametrize("name", ["notes.txt", "config.json"])
def test_a_folder_of_something_else_is_left_alone(tmp_path, arguments, name):
    (tmp_path / name).write_text('{"somebody": "else"}')
    with pytest.raises(RunError, match="not a run of neurofit"):
        Run.create(tmp_path, CONFIG, **arguments)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(RunError, match="not a run of neurofit"):
        Run.create(tmp_path / "out", CONFIG, overwrite=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_overwrite_starts_from_nothing(tmp_path):
    run = finished(tmp_path / "run")
    run.append_metrics({"epoch": 1})
    run.checkpoint_path.parent.mkdir()
    run.checkpoint_path.write_bytes(b"old")
    (tmp_path / "mine").mkdir()
    (run.path / "link").symlink_to(tmp_path / "mine")
    again = Run.create(run.path, {"train": {"lr": 1.0}}, overwrite=True)
    assert [entry.name for entry in again.path.iterdir()] == ["config.json"]
    assert again.config() == {"train": {"lr": 1.0}}
    assert (tmp_path / "mine").is_dir()


@pytest.mark.parametrize("resume", ["auto", "must"])
def test_the_same_options_resume(tmp_path, resume):
    Run.create(tmp_path, CONFIG)
    run = Run.create(tmp_path, CONFIG, resume=resume)
    assert run.resumed
    assert not run.finished


def test_resume_says_when_the_run_has_ended(tmp_path):
    finished(tmp_path / "run")
    assert Run.create(tmp_path / "run", CONFIG, resume="auto").finished


def test_auto_starts_where_nothing_is_and_must_does_not(tmp_path):
    with pytest.raises(RunError, match=r"no run here to resume; give --resume auto"):
        Run.create(tmp_path / "run", CONFIG, resume="must")
    assert not (tmp_path / "run").exists()
    assert not Run.create(tmp_path / "run", CONFIG, resume="auto").resumed


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"train": {**CONFIG["train"], "lr": 0.01}}, ["train.lr: 0.003 -> 0.01"]),
        ({"train": {**CONFIG["train"], "snapshot_epochs": (5,)}}, ["train.snapshot_epochs: [5, 7] -> [5]"]),
        ({"data": {"path": "b.nwb"}}, ["data.path: a.nwb -> b.nwb", "data.sha256: 12 -> (none)"]),
        ({"cell": "gru"}, ["cell: (none) -> gru"]),
        ({"data": {}}, ["data.path: a.nwb -> (none)", "data: (none) -> {}"]),
    ],
)
def test_changed_options_are_named_with_old_and_new_value(tmp_path, changed, named):
    Run.create(tmp_path, CONFIG)
    with pytest.raises(RunError) as caught:
        Run.create(tmp_path, {**CONFIG, **changed}, resume="auto")
    message = str(caught.value)
    assert all(line in message for line in named)
    assert message.count(" -> ") == len(named) + (changed == {"data": {}})
    assert "\n" not in message


def test_resume_and_overwrite_together_are_refused(tmp_path):
    with pytest.raises(RunError, match="give --resume or --overwrite"):
        Run.create(tmp_path, CONFIG, resume="auto", overwrite=True)


def test_opening_says_what_is_wrong(tmp_path):
    with pytest.raises(RunError, match="no such folder"):
        Run.open(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"not a run of neurofit; expected a folder with the config\.json of a run"):
        Run.open(tmp_path)
    Run.create(tmp_path, CONFIG)
    with pytest.raises(RunError, match="has not ended"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match=r"scores\.json is missing"):
        Run(tmp_path).scores()


def test_a_damaged_file_is_named(tmp_path):
    run = finished(tmp_path / "run")
    (run.path / "scores.json").write_text('{"test": ')
    with pytest.raises(RunError, match=r"scores\.json: cannot be read"):
        run.scores()


def test_metrics_are_cut_back_to_the_length_of_earlier_rows(tmp_path):
    run = Run.create(tmp_path, CONFIG)
    length = run.append_metrics({"epoch": 1})
    run.append_metrics({"epoch": 2})
    with run.metrics_path.open("ab") as stream:
        stream.write(b'{"epo')
    run.cut_metrics(length)
    assert run.metrics() == [{"epoch": 1}]
    run.cut_metrics(length + 100)
    assert run.metrics_path.stat().st_size == length


def test_what_a_killed_write_leaves_is_no_run_and_is_swept_away(tmp_path):
    left = tmp_path / ".config.json.4711-0123abcd.json"
    left.write_text("{")
    assert not Run.create(tmp_path, CONFIG, resume="auto").resumed
    deeper = tmp_path / "checkpoint" / ".state.safetensors.4711-0123abcd.safetensors"
    deeper.parent.mkdir()
    deeper.write_bytes(b"half")
    Run.create(tmp_path, CONFIG, resume="auto")
    assert not left.exists()
    assert not deeper.exists()


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    run = finished(tmp_path / "run")
    before = (run.path / "scores.json").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        run.write_scores({"test": {}})
    assert (run.path / "scores.json").read_bytes() == before
