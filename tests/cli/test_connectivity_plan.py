"""`neurofit connectivity plan`: what to expect, from options alone or from a recording."""

from __future__ import annotations

import json

import commands
import pytest

from neurofit.connectivity.plan_options import PlanOptions
from neurofit.connectivity.planning import duration_for_ap, expected_scores

pytestmark = pytest.mark.filterwarnings("default:.*without a units attribute:neurofit_io.RecordingWarning")

WORDS = ("connectivity", "plan")


def test_a_table_from_options_alone(neurofit) -> None:
    code, out, err = neurofit(*WORDS, "--rate-hz", 5, "--density", 0.2, "--durations-s", "60,6", "--ap", "0.7")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    options = PlanOptions(rate_hz=5, density=0.2)
    assert [line.split()[0] for line in lines[1:4]] == ["6", "60", "chance"]
    expected = expected_scores(options, 60)
    assert lines[2].split()[4:6] == [f"{expected.auc:.4g}", f"{expected.ap:.4g}"]
    assert lines[3].split()[4:6] == ["0.5", "0.2"]
    assert f"AP 0.7: {duration_for_ap(options, 0.7):.3g} s" in lines[-1]


def test_options_count_more_than_the_recording(neurofit, tmp_path) -> None:
    code, out, err = neurofit(*WORDS, commands.BIONET, "--density", 0.3, "--out", tmp_path / "out", "--durations-s", 60)
    assert (code, err.count("\n")) == (0, err.count("warning: "))
    options = json.loads((tmp_path / "out" / "config.json").read_text())["options"]
    assert (options["density"], options["neurons"], options["durations_s"]) == (0.3, 60, [2, 60])
    assert options["rate_hz"] != PlanOptions().rate_hz
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert [row["duration_s"] for row in scores] == [2, 60]
    assert "note: noise, unless given, is the standard deviation of Vm" in out
    assert (tmp_path / "out" / "figures" / "plan.png").is_file()
    assert "AP 0.8" in (tmp_path / "out" / "report.html").read_text()


def test_a_plan_of_nothing_but_options_leaves_a_folder_too(neurofit, tmp_path) -> None:
    words = (*WORDS, "--out", tmp_path / "out", "--excitatory-share", 1, "--durations-s", 6, "--ap", 0.5)
    assert neurofit(*words).code == 0
    assert json.loads((tmp_path / "out" / "scores.json").read_text())[0]["ap_i"] is None
    assert neurofit(*words).code == 1


def test_more_cells_than_bins(neurofit) -> None:
    ended = neurofit(*WORDS, "--neurons", 5000, "--durations-s", 1, "--epsp-mv", 1e-9, "--ipsp-mv", 1e-9)
    assert "note: no standard error where there are no more bins than cells" in ended.out
    assert ended.out.splitlines()[-1] == "to expect of 5000 cells: AP 0.5: out of reach; AP 0.8: out of reach"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--density", "2"), "--density 2; expected above 0 and below 1"),
        (("--ap", "0.5,2"), "--ap 0.5 2; expected above 0 and at most 1"),
        (("--durations-s", "0,5"), "--durations-s 0 5; expected lengths above 0, s, such as 6,20,60"),
        (("no.h5",), "no such file"),
    ],
)
def test_mistakes_end_in_one_line(neurofit, words, message) -> None:
    code, out, err = neurofit(*WORDS, *words)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err
