"""Spikes and rest: the numbers behind the paper's words on when a neuron fires, for how long, and on noise.

A one-step prediction has every spike within a tolerance of a step, persistence's too. So timing and duration are judged
from 5 steps beyond the tolerance; silence and noise at rest say something one step ahead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nayebi2015.lab import TOLERANCE_S, Lab, Where
from nayebi2015.measures import against, name_of
from nayebi2015.plan import Snapshot
from nayebi2015.verdicts import Evidence
from neurofit.metrics import Score, SpikeScores, block_bootstrap, rest_mask, rest_noise, spike_f1, spike_scores
from neurofit.metrics.spike_trains import matched_spikes

GUARD_S = 0.003
"""A channel is at rest where no true spike of it is as close, s."""
TAU_S = 0.005
"""Time constant of the van Rossum distance, s."""
FEWEST_CHANNELS = 5

Trains = Sequence[NDArray[np.intp]]


def noise_ratio(lab: Lab, own: Snapshot, other: Snapshot | None, where: Where, seed: int) -> Evidence:
    """Rest noise of a snapshot over that of another, or of persistence when there is no other."""
    found = lab.one_step(own, seed, where)
    reference = found.persistence if other is None else lab.one_step(other, seed, where).network
    names = f"{name_of(lab, own)} / persistence" if other is None else against(lab, own, other)
    try:
        spikes = lab.spikes(found.truth)
    except ValueError as error:
        return Evidence.missing(f"rest noise {names}", str(error))
    score = rest_noise(
        found.truth, found.network, reference, spikes, rate_hz=lab.rate_hz, guard_s=GUARD_S, seed=seed
    )  # fmt: skip
    return Evidence.of(f"rest noise {names}", score)


def timing_gain(lab: Lab, own: Snapshot, where: Where, seed: int) -> list[Evidence]:
    """F1 of predicted spikes less the best baseline's, and less chance: the F1 of as many spikes at other times."""
    found = lab.ahead(own, seed, where)
    what = f"F1 {name_of(lab, own)}, {found.h} steps ahead, less"
    if lab.thresholds is None:
        return [Evidence.missing(f"{what} the best baseline's", f"a signal of kind {lab.series.kind} has no spikes")]
    scores = {
        name: spike_scores(
            found.truth, values, lab.thresholds, rate_hz=lab.rate_hz, tolerances_s=(TOLERANCE_S,), taus_s=(TAU_S,),
            seed=seed,
        )
        for name, values in found.predictions.items()
    }  # fmt: skip
    best = max((name for name in scores if name != "network"), key=lambda name: _f1(scores[name]))
    one, two = (match_counts(lab, found.truth, found.predictions[name]) for name in ("network", best))
    f1, free, chance = _f1(scores["network"]), _f1(scores[best]), _known(scores["network"].f1_chance[TOLERANCE_S])
    over_best = block_bootstrap(np.hstack([one, two]), lambda m: m[:, 0] / m[:, 1] - m[:, 2] / m[:, 3], seed=seed)
    over_chance = block_bootstrap(one, lambda m: m[:, 0] / m[:, 1] - chance, seed=seed)
    far = " against ".join(f"{scores[name].van_rossum[TAU_S]:.3f}" for name in ("network", best))
    note = f"van Rossum distance at {1000 * TAU_S:g} ms {far}; {_forced_f1(lab, own, where, seed)}"
    return [
        Evidence.of(f"{what} the best baseline's", Score(f1 - free, math.nan, over_best.ci95, over_best.note),
                    note=f"{f1:.3f} against {best} {free:.3f}; {note}"),
        Evidence.of(f"{what} chance", Score(f1 - chance, math.nan, over_chance.ci95, over_chance.note),
                    note=f"{f1:.3f} against {chance:.3f}"),
    ]  # fmt: skip


def width_error(lab: Lab, own: Snapshot, where: Where, seed: int) -> Evidence:
    """How far the width of predicted spikes is off, as a share of the true one: the median over channels."""
    found = lab.ahead(own, seed, where)
    what = f"width error {name_of(lab, own)} / true width, {found.h} steps ahead"
    if lab.thresholds is None:
        return Evidence.missing(what, f"{lab.series.kind} has no spikes")
    scores = spike_scores(found.truth, found.predictions["network"], lab.thresholds, rate_hz=lab.rate_hz)
    with np.errstate(invalid="ignore"):
        error = np.abs(scores.width_error_s) / scores.true_width_s
    known, spiking = error[np.isfinite(error)], int(np.isfinite(scores.true_width_s).sum())
    note = f"{len(known)} of {spiking} spiking channels have predicted spikes"
    if len(known) < FEWEST_CHANNELS:
        return Evidence(what, float(np.median(known)) if len(known) else None, None, note)
    drawn = np.random.default_rng(seed).choice(known, (1000, len(known)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return Evidence(what, float(np.median(known)), (float(low), float(high)), note)


def false_spikes(lab: Lab, own: Snapshot, where: Where, seed: int) -> Evidence:
    """Share of the spikes of the one-step prediction that come while the neuron is at rest."""
    found = lab.one_step(own, seed, where)
    what = f"predicted spikes at rest {name_of(lab, own)} / all predicted"
    try:
        true, predicted = lab.spikes(found.truth), lab.spikes(found.network)
    except ValueError as error:
        return Evidence.missing(what, str(error))
    steps = len(found.truth)
    resting = rest_mask(true, steps=steps, guard_steps=round(GUARD_S * lab.rate_hz))
    counts = np.zeros((steps, 2))
    for channel, train in enumerate(predicted):
        counts[train, 0] += resting[train, channel]
        counts[train, 1] += 1
    if not counts[:, 1].any():
        return Evidence.missing(what, "no predicted spike")
    interval = block_bootstrap(counts, lambda means: means[:, 0] / means[:, 1], seed=seed)
    at_rest, total = counts.sum(axis=0)
    score = Score(at_rest / total, math.nan, interval.ci95, interval.note)
    return Evidence.of(what, score, note=f"{at_rest:.0f} of {total:.0f}")


def match_counts(lab: Lab, truth: NDArray[np.float32], prediction: NDArray[np.float32]) -> NDArray[np.float64]:
    """Numerator and denominator of F1 at every step, (steps, 2): matched pairs count at the true spike."""
    counts = np.zeros((len(truth), 2))
    for ours, theirs in zip(lab.spikes(truth), lab.spikes(prediction), strict=True):
        matched = matched_spikes(ours / lab.rate_hz, theirs / lab.rate_hz, TOLERANCE_S)
        counts[ours[matched], 0] += 2
        counts[ours, 1] += 1
        counts[theirs, 1] += 1
    return counts


def _f1(scores: SpikeScores) -> float:
    return _known(scores.matches[TOLERANCE_S].f1)


def _known(share: float) -> float:
    """A share of no spikes at all counts as none."""
    return 0.0 if math.isnan(share) else share


def _forced_f1(lab: Lab, own: Snapshot, where: Where, seed: int) -> str:
    found = lab.one_step(own, seed, where)
    true = lab.spikes(found.truth)
    own_f1, free = (
        spike_f1(*_seconds(lab, true, lab.spikes(values)), TOLERANCE_S).f1
        for values in (found.network, found.persistence)
    )
    return f"teacher-forced {own_f1:.3f}, which says nothing: persistence scores {free:.3f}"


def _seconds(lab: Lab, *trains: Trains) -> list[list[NDArray[np.float64]]]:
    return [[train / lab.rate_hz for train in each] for each in trains]
