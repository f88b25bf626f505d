"""Spans by literal arithmetic, and what holds for any recording."""

from __future__ import annotations

import numpy as np
import pytest

from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.splitting import Scored, Stretch, check, count, scored, split, take, without
from neurofit_io import RecordingError


def steps_of(stretches) -> list[int]:
    return [step for stretch in stretches for step in range(stretch.start, stretch.stop)]


def random_stretches(random: np.random.Generator) -> tuple[Stretch, ...]:
    edges = np.sort(random.choice(2000, size=2 * random.integers(1, 12), replace=False)).reshape(-1, 2)
    return tuple(Stretch(int(a), int(b)) for a, b in edges)


def test_one_stretch_of_the_paper():
    parts = split((Stretch(0, 60_000),), dt_ms=0.1, options=PrepareOptions())
    assert parts.train == (Stretch(0, 37_600),)
    assert parts.validation == (Stretch(37_800, 42_000),)
    assert parts.test == (Stretch(42_200, 60_000),)
    assert (parts.max_order, parts.gap_steps, parts.warmup_steps) == (20, 200, 200)


def test_no_gap_and_no_carve_out():
    options = PrepareOptions(gap_ms=0, validation_fraction=0)
    parts = split((Stretch(0, 59_999),), dt_ms=0.1, options=options)
    assert parts.train == (Stretch(0, 41_999),)
    assert parts.test == (Stretch(41_999, 59_999),)
    assert parts.validation is parts.test
    assert (parts.gap_steps, parts.warmup_steps) == (0, 20)


@pytest.mark.parametrize(
    ("dt_ms", "n_steps", "gap"),
    [(0.3, 10_000, 67), (0.1, 10_000, 200), (33.0, 10_000, 20), (33.0, 100, 3), (20.0, 30, 1)],
)
def test_gap_is_rounded_up_and_holds_the_order(dt_ms, n_steps, gap):
    # 20 ms are 66.67, 200 and 1 steps; the order is a 20th of the steps before validation (63 and 19 in the last two).
    parts = split((Stretch(0, n_steps),), dt_ms=dt_ms, options=PrepareOptions())
    assert parts.gap_steps == gap
    assert parts.max_order == min(20, max(1, (count(parts.train) + gap) // 20))


def test_fractions_that_floats_miss():
    # 0.7 * 10 and 0.1 * 70 are a hair below and above 7 in float64.
    parts = split((Stretch(0, 100),), dt_ms=1.0, options=PrepareOptions(gap_ms=0))
    assert [count(p) for p in (parts.train, parts.validation, parts.test)] == [63, 7, 30]
    assert split((Stretch(0, 10),), dt_ms=1.0, options=PrepareOptions(gap_ms=0, validation_fraction=0)).train == (
        Stretch(0, 7),
    )


def test_sweeps_share_the_gap():
    sweeps = (Stretch(0, 40), Stretch(40, 80), Stretch(90, 130))
    parts = split(sweeps, dt_ms=1.0, options=PrepareOptions(gap_ms=10, train_fraction=0.6, validation_fraction=0.25))
    # 120 usable steps: B = 72, V = 54; the gap [44, 54) lies in the second sweep, [72, 82) reaches 2 into the third.
    assert parts.train == (Stretch(0, 40), Stretch(40, 44))
    assert parts.validation == (Stretch(54, 72),)
    assert parts.test == (Stretch(92, 130),)


@pytest.mark.parametrize("seed", range(20))
def test_any_recording_is_divided_without_overlap(seed):
    random = np.random.default_rng(seed)
    usable = random_stretches(random)
    options = PrepareOptions(
        gap_ms=float(random.uniform(0, 30)), train_fraction=float(random.uniform(0.3, 0.9)),
        validation_fraction=float(random.uniform(0.05, 0.5)),
    )  # fmt: skip
    parts = split(usable, dt_ms=1.0, options=options)
    order = {step: number for number, step in enumerate(steps_of(usable))}
    train, validation, test = ([order[s] for s in steps_of(p)] for p in (parts.train, parts.validation, parts.test))
    joined = train + validation + test
    assert joined == sorted(set(joined))
    left_out = set(range(len(order))) - set(joined)
    assert len(left_out) <= 2 * parts.gap_steps
    if train and validation and test:
        assert validation[0] - train[-1] == parts.gap_steps + 1 == test[0] - validation[-1]
        assert len(left_out) == 2 * parts.gap_steps
    for stretch in (*parts.train, *parts.validation, *parts.test):
        assert any(u.start <= stretch.start < stretch.stop <= u.stop for u in usable)


@pytest.mark.parametrize("seed", range(10))
def test_take_counts_through_stretches(seed):
    random = np.random.default_rng(seed)
    usable = random_stretches(random)
    first, last = np.sort(random.integers(0, count(usable) + 1, 2)).tolist()
    assert steps_of(take(usable, first, last)) == steps_of(usable)[first:last]


@pytest.mark.parametrize("seed", range(10))
def test_without_removes_exactly_the_missing_steps(seed):
    random = np.random.default_rng(seed)
    segments = random_stretches(random)
    holes = np.array([(h.start, h.stop) for h in random_stretches(random)])
    missing = set(steps_of(Stretch(a, b) for a, b in holes.tolist()))
    kept = without(segments, holes)
    assert steps_of(kept) == [step for step in steps_of(segments) if step not in missing]
    assert all(stretch.n_steps > 0 for stretch in kept)


def test_without_nothing_missing_keeps_touching_sweeps_apart():
    sweeps = (Stretch(0, 5), Stretch(5, 9))
    assert without(sweeps, np.empty((0, 2), np.int64)) == sweeps


def test_warm_up_reaches_back_while_time_is_unbroken():
    usable = (Stretch(0, 100), Stretch(110, 150), Stretch(150, 158))
    span = (Stretch(60, 100), Stretch(110, 150), Stretch(150, 158))
    assert scored(span, usable, warmup_steps=10) == (Scored(50, 60, 100), Scored(110, 120, 150))
    assert scored((Stretch(4, 30),), usable, warmup_steps=10) == (Scored(0, 10, 30),)
    assert scored((Stretch(115, 118),), usable, warmup_steps=10) == ()


@pytest.mark.parametrize(
    "options",
    [
        PrepareOptions(train_fraction=1.0), PrepareOptions(train_fraction=0.0), PrepareOptions(validation_fraction=1.0),
        PrepareOptions(gap_ms=-1), PrepareOptions(warmup_ms=float("nan")),
    ],
)  # fmt: skip
def test_out_of_range_is_said(options):
    with pytest.raises(RecordingError, match=r"--(train|validation|gap|warmup).*expected"):
        check(options)
