"""Words in; exit code, one plain line or a result out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from operator import attrgetter
from pathlib import Path

import commands
import numpy as np
import pytest

from neurofit.cli import fit
from neurofit.cli.main import VERBS
from neurofit.estimators import NextStep
from neurofit_io import load
from neurofit_io.comparing import differences


def one_line(err: str) -> str:
    """The only line of stderr, which is no traceback."""
    (line,) = err.splitlines()
    assert line.startswith("neurofit: ")
    return line


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb(neurofit, verb):
    code, out, err = neurofit(verb, "--help")
    assert (code, err) == (0, "")
    assert f"usage: neurofit {verb}" in out
    assert "{None" not in out


def test_none_is_a_word_that_options_without_a_default_take(neurofit, recording):
    words = ("info", recording, "--json")
    plain = neurofit(*words)
    assert plain.code == 0
    assert neurofit(*words, "--rate-hz", "None", "--time-axis", "None", "--dtype", "None") == plain
    assert neurofit(*words, "--time-axis", "3").code == 2
    assert "[-h] [OPTIONS] RUN [RECORDING...]" in neurofit("predict", "--help").out


def test_help_and_version(neurofit):
    code, out, _ = neurofit("--help")
    assert code == 0
    assert all(f"  {verb} " in out for verb in VERBS)
    assert neurofit().code == 2
    assert neurofit("--version").out.split(".")[0].isdigit()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("fly",), 2, "no verb 'fly'; expected one of info, check, convert, fit, compare, predict"),
        (("info", "nowhere.h5"), 1, "nowhere.h5: "),
        (("convert", "nowhere.h5", "out.h5"), 1, "nowhere.h5: "),
        (("fit", "nowhere.h5", "--out", "run"), 1, "nowhere.h5: "),
        (("predict", "nowhere"), 1, "nowhere: no such folder; expected a folder with the config.json of a run"),
    ],
)
def test_mistakes_end_in_one_line(neurofit, tmp_path, monkeypatch, words, code, message):
    monkeypatch.chdir(tmp_path)
    end = neurofit(*words)
    assert (end.code, end.out) == (code, "")
    assert message in one_line(end.err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [("fit",), ("fit", "x", "--out", "y", "--hidden", "many"), ("info", "x", "--colour")])
def test_wrong_usage_is_2(neurofit, words):
    code, _, err = neurofit(*words)
    assert code == 2
    assert "Traceback" not in err


def test_debug_shows_the_traceback(neurofit):
    code, _, err = neurofit("info", "nowhere.h5", "--debug")
    assert code == 1
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("neurofit: nowhere.h5: ")


def test_interrupted_is_130(neurofit, monkeypatch, recording):
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurofit_io.describing.describe", interrupted)
    assert neurofit("info", recording) == (130, "", "neurofit: interrupted\n")


def test_memory_that_runs_out(neurofit, recording, tmp_path):
    words = ("fit", recording, "--out", tmp_path / "run", *commands.FIT, "--hidden", 10**7)
    code, _, err = neurofit(*words)
    assert code == 1
    assert err.splitlines()[-1].startswith("neurofit: not enough memory; use a smaller --hidden")


def test_info(neurofit, recording):
    code, out, err = neurofit("info", recording)
    assert (code, err) == (0, "")
    assert "vm" in out
    described = json.loads(neurofit("info", recording, "--json").out)
    (signal,) = described["signals"]
    assert (signal["name"], signal["unit"], signal["rate_hz"]) == ("vm", "mV", 1000.0)


def test_info_draws(neurofit, recording, tmp_path):
    assert neurofit("info", recording, "--figure", tmp_path / "seen.png").code == 0
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")
    before = recording.read_bytes()
    code, _, err = neurofit("info", recording, "--figure", recording)
    assert code == 1
    assert "suffix '.h5'; expected .png" in one_line(err)
    assert recording.read_bytes() == before


def test_check(neurofit, recording, tmp_path):
    code, out, _ = neurofit("check", recording)
    assert code == 0
    assert out.splitlines()[-1].startswith("0 errors")
    values = np.zeros((100, 2), np.float32)
    np.save(tmp_path / "bad.npy", np.where(np.arange(100)[:, None] < 90, np.nan, values))
    words = (tmp_path / "bad.npy", "--rate-hz", 10, "--time-axis", 0)
    code, out, _ = neurofit("check", *words)
    errors = [line for line in out.splitlines() if line.startswith("error: ")]
    assert code == (1 if errors else 0)
    assert out.splitlines()[-1].startswith(f"{len(errors)} errors")
    assert len(out.splitlines()) > 1


def test_check_of_a_broken_file_is_1(neurofit, recording, tmp_path):
    (tmp_path / "half.h5").write_bytes(recording.read_bytes()[: recording.stat().st_size // 2])
    code, out, err = neurofit("check", tmp_path / "half.h5")
    assert code == 1
    assert "Traceback" not in out + err
    assert "half.h5" in out + err
    assert neurofit("check", tmp_path / "none.h5").out.startswith(f"error: {tmp_path / 'none.h5'}: no such file")


def test_convert_there_and_back(neurofit, recording, tmp_path):
    assert neurofit("convert", recording, tmp_path / "a.nwb").out == f"written: {tmp_path / 'a.nwb'}\n"
    assert neurofit("convert", tmp_path / "a.nwb", tmp_path / "b.h5", "--signal", "vm").code == 0
    assert differences(load(recording), load(tmp_path / "b.h5")) == []
    code, _, err = neurofit("convert", recording, tmp_path / "b.h5")
    assert code == 1
    assert "there is a file already" in one_line(err)
    assert neurofit("convert", recording, tmp_path / "b.h5", "--overwrite").code == 0
    assert "no signal 'lfp'; expected one of vm" in one_line(
        neurofit("convert", recording, tmp_path / "c.h5", "--signal", "lfp").err
    )


def test_fit_prints_the_scores_it_wrote(neurofit, finished, recording):
    code, out, err = neurofit("fit", recording, "--out", finished, *commands.FIT, "--resume", "auto",
                              "--snapshot-epochs", "1,2")  # fmt: skip
    assert (code, err) == (0, "")
    scores = json.loads((finished / "scores.json").read_text())["test"]
    lines = out.splitlines()
    assert " ".join(lines[0].split()) == "predictor mse 95 % interval median r2 skill over persistence skill over AR"
    rows = {line.split()[0]: line for line in lines[1:6]}
    for name in ("persistence", "mean", "ar", "var"):
        assert f"{scores[f'mse_{name}']['pooled']:.4g}" in rows[name]
    assert f"{scores['network']['mse']['pooled']:.4g}" in rows["gru"]
    assert lines[-1] == f"report: {finished / 'report.html'}"


def test_the_folder_of_a_run(finished):
    names = {str(file.relative_to(finished)) for file in finished.rglob("*") if file.is_file()}
    figures = ("losses", "scores", "traces", "channel_skill", "residual_spectrum")
    assert names == {
        "config.json", "environment.json", "metrics.jsonl", "model.safetensors", "fitted.safetensors", "scores.json",
        "report.html", "checkpoint/state.safetensors", "snapshots/epoch_000001.safetensors",
        "snapshots/epoch_000002.safetensors", *(f"figures/{name}.png" for name in figures),
    }  # fmt: skip
    environment = json.loads((finished / "environment.json").read_text())
    assert environment["command"].startswith("neurofit fit ")
    assert environment["finished"]


class References(HTMLParser):
    """Everything a page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def test_the_report_needs_no_other_file(finished):
    page = References((finished / "report.html").read_text())
    assert len(page.sources) == 5
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    assert not page.tags & {"script", "link", "iframe", "object"}


def test_predict_scores_and_writes(neurofit, finished, tmp_path):
    code, out, err = neurofit("predict", finished, "--out", tmp_path / "new" / "p.h5", "--channels", "3,0")
    assert (code, err) == (0, "")
    scores = json.loads((finished / "scores.json").read_text())
    assert json.loads((tmp_path / "new" / "scores.json").read_text()) == {"test": scores["test"]}
    assert load(tmp_path / "new" / "p.h5").signal("vm_predicted").shape == (scores["test"]["n_steps"], 4)
    assert out.splitlines()[-1].endswith(f"written: {tmp_path / 'new' / 'p.h5'}")


def test_predict_further_ahead(neurofit, finished, tmp_path):
    code, out, err = neurofit("predict", finished, "--horizon", "4", "--out", tmp_path / "new" / "p.h5")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["r2", "at", "h", "=", "(1", "ms", "each)", "1", "2", "4", "predictable", "to", "h", "="] in lines
    found = json.loads((tmp_path / "new" / "horizons.json").read_text())["test"]
    assert set(found) == {"dt_ms", "network", "orbit", "persistence", "mean", "ar", "var"}
    assert [score["pooled"] for score in found["persistence"]["skill"]] == [0, 0, 0]
    assert (tmp_path / "new" / "figures" / "horizons.png").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--horizon", "4000"), "--horizon 4000 in a test span whose longest stretch has"),
        (("--epoch", "7"), "no snapshot of epoch 7; expected one of those kept: 1, 2"),
        (("--channels", "a"), "--channels a; expected column numbers such as 300,2000"),
        (("--channels", "9"), "--channels 9; expected columns among the 4 that are predicted"),
        (("--start", "1199", "--steps", "5"), "--start 1199 --steps 5; expected steps within"),
        (("--steps", "5"), "--steps 5 without --start"),
    ],
)
def test_predict_refuses_in_one_line(neurofit, finished, words, message):
    before = sorted(finished.rglob("*"))
    code, out, err = neurofit("predict", finished, *words)
    assert (code, out) == (1, "")
    assert message in one_line(err)
    assert sorted(finished.rglob("*")) == before


@pytest.mark.usefixtures("no_figures")
def test_an_existing_folder_is_refused(neurofit, recording, finished, tmp_path):
    before = (finished / "model.safetensors").read_bytes()
    code, _, err = neurofit("fit", recording, "--out", finished, *commands.FIT)
    assert code == 1
    assert "a run is there already; give --resume auto or --overwrite" in err
    assert (finished / "model.safetensors").read_bytes() == before
    (tmp_path / "notes.txt").write_text("precious")
    for more in ((), ("--resume", "auto"), ("--overwrite",)):
        assert neurofit("fit", recording, "--out", tmp_path, *commands.FIT, *more).code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.usefixtures("no_figures")
def test_changed_options_on_resume_are_named(neurofit, recording, finished):
    words = ("fit", recording, "--out", finished, *commands.FIT, "--resume", "must", "--snapshot-epochs", "1,2")
    code, _, err = neurofit(*words, "--lr", "0.02", "--zscore", "none")
    assert code == 1
    line = one_line(err)
    assert "options.train.lr: 0.01 -> 0.02" in line
    assert "options.prepare.zscore: train -> none" in line
    assert neurofit(*words, "--checkpoint-every-s", "1").code == 0


@pytest.mark.usefixtures("no_figures")
def test_resume_must_needs_a_run(neurofit, recording, tmp_path):
    code, _, err = neurofit("fit", recording, "--out", tmp_path / "run", *commands.FIT, "--resume", "must")
    assert code == 1
    assert "no run here to resume" in err
    assert neurofit("fit", recording, "--out", tmp_path / "run", *commands.FIT, "--resume", "auto").code == 0


@pytest.mark.usefixtures("no_figures")
@pytest.mark.filterwarnings("default:leak:neurofit_io.RecordingWarning")
@pytest.mark.parametrize("preset", [("--preset", "nayebi2015"), ("--preset=nayebi2015",)])
def test_a_preset_lies_under_the_options_beside_it(neurofit, recording, tmp_path, preset):
    words = ("--hidden", "5", "--chunk", "100", "--epochs", "3", "--device", "cpu", "--snapshot-epochs=1,3")
    code, out, err = neurofit("fit", recording, "--out", tmp_path / "run", *words, *preset)
    assert code == 0
    assert "leak: statistics include the test span (--zscore all)" in err
    options = json.loads((tmp_path / "run" / "config.json").read_text())["options"]
    assert options["preset"] == "nayebi2015"
    assert (options["network"]["output"], options["network"]["state"]) == ("absolute", "zero")
    assert (options["network"]["hidden"], options["network"]["chunk"], options["train"]["epochs"]) == (5, 100, 3)
    assert (options["train"]["optimizer"], options["train"]["clip"], options["train"]["keep"]) == (
        "rmsprop",
        None,
        "last",
    )
    assert (options["prepare"]["zscore"], options["prepare"]["gap_ms"]) == ("all", 0.0)
    assert {file.name for file in (tmp_path / "run" / "snapshots").iterdir()} == {
        "epoch_000001.safetensors", "epoch_000003.safetensors",
    }  # fmt: skip
    assert "gru *" in out


LIMITED = f"""
import resource, sys
sys.path[:0] = [{str(commands.ROOT)!r}, {str(commands.ROOT / "io")!r}]
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
from neurofit.cli.main import main
main(sys.argv[1:])
"""


def test_a_full_disk_while_converting(recording, tmp_path):
    target = tmp_path / "old.h5"
    target.write_bytes(recording.read_bytes())
    command = [sys.executable, "-B", "-c", LIMITED, "convert", str(recording), str(target), "--overwrite"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert f"{target}: could not be written" in one_line(ran.stderr)
    assert target.read_bytes() == recording.read_bytes()
    assert list(tmp_path.iterdir()) == [target]


def test_the_fitted_bytes_are_never_scored_whole_by_accident(neurofit, finished, recording, tmp_path):
    copy = Path(shutil.copy(recording, tmp_path / "copy.h5"))
    other = commands.write_recording(tmp_path / "other.h5", seed=1)
    stored = json.loads((finished / "scores.json").read_text())["test"]
    for name, given, span in (("a", copy, "test"), ("b", other, "all")):
        code, out, _ = neurofit("predict", finished, given, "--out", tmp_path / name / "p.h5")
        assert code == 0
        assert f"{span}: gru mse" in out
        scores = json.loads((tmp_path / name / "scores.json").read_text())
        assert list(scores) == [span]
        assert (scores[span] == stored) == (span == "test")
    truth = load(other).signal("vm").read()[20:]
    predicted = load(tmp_path / "b" / "p.h5").signal("vm_predicted").read()
    assert predicted.shape == truth.shape
    assert np.square(predicted - truth).mean() < 0.5 * truth.var()


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        ("--patience None", "train.patience", None),
        ("--clip None", "train.clip", None),
        ("--clip 0.5", "train.clip", 0.5),
        ("--hidden channels", "network.hidden", "channels"),
        ("--hidden 7", "network.hidden", 7),
        ("--batch all", "network.batch", "all"),
        ("--no-bias", "network.bias", False),
        ("--snapshot-epochs 1,5,9", "train.snapshot_epochs", (1, 5, 9)),
        ("--snapshot-epochs 1 5", "train.snapshot_epochs", (1, 5)),
        ("--preset nayebi2015 --clip 2", "train.clip", 2.0),
        ("--preset nayebi2015 --lr 0.5", "prepare.zscore", "all"),
        ("--sweep 3", "load.sweep", 3),
        ("--time 1:2", "prepare.time", "1:2"),
    ],
)
def test_words_become_options(monkeypatch, words, path, value):
    given = []
    monkeypatch.setattr(NextStep, "from_options", lambda options: given.append(options))
    with pytest.raises(AttributeError):
        fit.run(["x.h5", "--out", "run", *words.split()])
    assert attrgetter(path)(given[0]) == value


def test_predict_generates(neurofit, finished, tmp_path):
    words = ("predict", finished, "--out", tmp_path / "new" / "p.h5", "--runs", "3", "--innovations", "gaussian")
    code, out, err = neurofit(*words, "--generate", "50", "--channels", "3,0")
    assert (code, err) == (0, "")
    assert "3 runs of 50 steps from the test span, mode sample, innovations gaussian" in out
    found = json.loads((tmp_path / "new" / "generated.json").read_text())
    assert {"network", "ar", "truth", "diverged_at"} <= set(found)
    made = load(tmp_path / "new" / "generated.h5").signal("vm_generated")
    assert made.shape == (150, 4)
    assert len(made.segments) == 3
    assert {"generated_traces.png", "generated_spectra.png"} <= {
        f.name for f in (tmp_path / "new" / "figures").iterdir()
    }
    code, _, err = neurofit(*words, "--generate", "50", "--epoch", "1", "--overwrite")
    assert (code, err.count("\n")) == (1, 1)
    assert "--generate with --epoch 1" in err
