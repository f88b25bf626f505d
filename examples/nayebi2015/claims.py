"""What the paper says about its results, in our words, and the number by which each sentence is judged.

The paper eyeballed two neurons over the first 1015 steps of its training time; here every number is over all channels
and the whole span, in-sample and held out. Its dev loss stands beside no baseline; here persistence does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nayebi2015 import measures as measure
from nayebi2015 import spiking
from nayebi2015.lab import WHERE, Lab, Where
from nayebi2015.plan import STAGES, Arm, Snapshot
from nayebi2015.verdicts import Evidence, Range, Word, decide

FIRST, SECOND, THIRD, LAST = STAGES
ABOVE_ONE, BELOW_ONE = Range(1.0, None), Range(None, 1.0)
MORE, LESS = Range(1.02, None), Range(None, 0.98)
"""Ratios of two networks that differ by more than 2 %, which is less than seeds do."""
HELD_OUT: tuple[Where, ...] = ("held-out",)
IN_SAMPLE: tuple[Where, ...] = ("in-sample",)


@dataclass(frozen=True)
class Arms:
    """Who is compared: the paper's GRU, another cell, and the GRU with longer chunks."""

    gru: Arm
    rival: Arm | None
    longer: Arm | None


Measure = Callable[[Lab, Arms, Where, int], list[Evidence]]


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper about its results.

    Attributes:
        text: The sentence, in our words.
        source: Where it stands, and the figures it points to.
        number: What is measured.
        claimed: Where the sentence says the number lies; edges that it leaves open are ours.
        measure: Evidence for one seed.
        spans: Where it is decided.
        needs: `rival`, `longer` or nothing beside the GRU.
    """

    text: str
    source: str
    number: str
    claimed: Range
    measure: Measure
    spans: tuple[Where, ...] = WHERE
    needs: str = ""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a claim.

    Attributes:
        claim: The claim.
        rival: The other cell it was decided with, if it speaks of one.
        words: By span.
        evidence: By span, one or more a seed.
    """

    claim: Claim
    rival: str | None
    words: dict[Where, Word]
    evidence: dict[Where, list[Evidence]]


def judge(lab: Lab, channels: tuple[int, ...]) -> list[Verdict]:
    """Decides every claim; one that compares the GRU with another cell once for each of them.

    Args:
        lab: The fitted arms.
        channels: The channels shown, positions among the prepared ones.
    """
    plan, found = lab.plan, []
    for claim in [*CLAIMS, *(_of_channel(i, channel) for i, channel in enumerate(channels))]:
        rivals = (plan.rivals or (None,)) if claim.needs == "rival" else (None,)
        for rival in rivals:
            arms = None if plan.gru is None else Arms(plan.gru, rival, plan.longer)
            evidence = {where: _evidence(lab, claim, arms, where) for where in claim.spans}
            words = {where: decide(each, claim.claimed) for where, each in evidence.items()}
            found.append(Verdict(claim, rival and rival.model, words, evidence))
    return found


def _evidence(lab: Lab, claim: Claim, arms: Arms | None, where: Where) -> list[Evidence]:
    if arms is None:
        return [Evidence.missing(claim.number, "there is no GRU among --models")]
    if claim.needs == "rival" and arms.rival is None:
        return [Evidence.missing(claim.number, "there is no LSTM among --models")]
    if claim.needs == "longer" and arms.longer is None:
        return [Evidence.missing(claim.number, "there is no second chunk")]
    return [each for seed in lab.seeds for each in claim.measure(lab, arms, where, seed)]


def _gru(arms: Arms, stage: int) -> Snapshot:
    return Snapshot(arms.gru, stage)


def _rival(arms: Arms, stage: int) -> Snapshot:
    assert arms.rival is not None
    return Snapshot(arms.rival, stage)


def _longer(arms: Arms, stage: int) -> Snapshot:
    assert arms.longer is not None
    return Snapshot(arms.longer, stage)


def _both_noisy(lab: Lab, arms: Arms, where: Where, seed: int) -> list[Evidence]:
    snapshots = _gru(arms, FIRST), _rival(arms, FIRST)
    return [spiking.noise_ratio(lab, each, None, where, seed) for each in snapshots]


def _of_channel(i: int, channel: int) -> Claim:
    """The paper's words on its neuron 300, or on its neuron 2000."""
    text, claimed = (
        ("for the first neuron the GRU's output still differs from the truth after 1000 epochs", ABOVE_ONE),
        ("for the second neuron the GRU's output is quite like the truth after 1000 epochs", BELOW_ONE),
    )[i]
    return Claim(
        text, "section 2, figure 11", "its one-step error / that of copying the last sample", claimed,
        lambda lab, a, where, seed: [measure.channel_error(lab, _gru(a, LAST), where, seed, channel)],
    )  # fmt: skip


CLAIMS = (
    Claim(
        "after 255 epochs the LSTM's training loss is slightly lower than the GRU's", "section 2, figure 1",
        "one-step error, LSTM / GRU", LESS,
        lambda lab, a, where, seed: [measure.error_ratio(lab, _rival(a, SECOND), _gru(a, SECOND), where, seed)],
        spans=IN_SAMPLE, needs="rival",
    ),
    Claim(
        "after 255 epochs their dev losses are essentially the same", "section 2, figure 1",
        "one-step error, LSTM / GRU; the same is within 10 %", Range(0.9, 1.1),
        lambda lab, a, where, seed: [measure.error_ratio(lab, _rival(a, SECOND), _gru(a, SECOND), where, seed)],
        spans=HELD_OUT, needs="rival",
    ),
    Claim(
        "after 105 epochs the predictions of both are rather noisy", "section 2, figures 2 and 3",
        "one-step error at rest / persistence's, of each", ABOVE_ONE, _both_noisy, needs="rival",
    ),
    Claim(
        "after 255 epochs the GRU captures more structure than the LSTM", "section 2, figures 4 and 5",
        "error beyond the reach of copying, GRU / LSTM", LESS,
        lambda lab, a, where, seed: [measure.structure_ratio(lab, _gru(a, SECOND), _rival(a, SECOND), where, seed)],
        needs="rival",
    ),
    Claim(
        "after 255 epochs the GRU predicts when a neuron fires", "section 2, figures 4 and 5",
        "F1 within 0.5 ms, predicted 5 steps beyond that, less the best baseline's and chance", Range(0.0, None),
        lambda lab, a, where, seed: spiking.timing_gain(lab, _gru(a, SECOND), where, seed),
    ),
    Claim(
        "after 255 epochs the GRU predicts how long a spike lasts", "section 2, figures 4 and 5",
        "error of the width / width, from as far ahead; right is within a quarter", Range(None, 0.25),
        lambda lab, a, where, seed: [spiking.width_error(lab, _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "when a neuron is silent the GRU's output is too, after 255 epochs", "section 2, figures 4 and 5",
        "share of its one-step spikes 3 ms and more from a true one; few is 5 %", Range(None, 0.05),
        lambda lab, a, where, seed: [spiking.false_spikes(lab, _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "after 255 epochs the LSTM adds noise, above all at rest", "section 2, figures 4 and 5",
        "one-step error at rest, LSTM / GRU", MORE,
        lambda lab, a, where, seed: [spiking.noise_ratio(lab, _rival(a, SECOND), _gru(a, SECOND), where, seed)],
        needs="rival",
    ),
    Claim(
        "the LSTM's output consists mostly of noise", "section 3",
        "variance its one-step prediction explains after 255 epochs; mostly noise is below half", Range(None, 0.5),
        lambda lab, a, where, seed: [measure.explained(lab, _rival(a, SECOND), where, seed)], needs="rival",
    ),
    Claim(
        "the GRU's output is plausible beside the truth", "section 3",
        "variance its one-step prediction explains after 255 epochs; plausible is above half", Range(0.5, None),
        lambda lab, a, where, seed: [measure.explained(lab, _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "chunks of 3000 steps make the GRU's dev loss higher than chunks of 1000", "section 2, figure 6",
        "one-step error after 105 epochs, long / short chunks", MORE,
        lambda lab, a, where, seed: [measure.error_ratio(lab, _longer(a, FIRST), _gru(a, FIRST), where, seed)],
        spans=HELD_OUT, needs="longer",
    ),
    Claim(
        "chunks of 3000 steps make the GRU's output noisier", "section 2, figures 7 and 8",
        "one-step error at rest after 105 epochs, long / short chunks", MORE,
        lambda lab, a, where, seed: [spiking.noise_ratio(lab, _longer(a, FIRST), _gru(a, FIRST), where, seed)],
        needs="longer",
    ),
    Claim(
        "the LSTM needs more memory to train than the GRU", "section 2",
        "bytes that our cells keep for the backward pass, LSTM / GRU", ABOVE_ONE,
        lambda lab, a, where, seed: [measure.memory_ratio(lab, _rival(a, FIRST).arm, a.gru, seed)],
        spans=IN_SAMPLE, needs="rival",
    ),
    Claim(
        "more epochs improve the GRU", "sections 2 and 3, figures 9 to 11",
        "one-step error, after 1000 / after 255 epochs", LESS,
        lambda lab, a, where, seed: [measure.error_ratio(lab, _gru(a, LAST), _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "after 605 epochs the GRU's output is less noisy", "section 2, figure 10",
        "one-step error at rest, after 605 / after 255 epochs", LESS,
        lambda lab, a, where, seed: [spiking.noise_ratio(lab, _gru(a, THIRD), _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "after 1000 epochs it is much less noisy", "section 2, figure 11",
        "one-step error at rest, after 1000 / after 255 epochs; much is a fifth", Range(None, 0.8),
        lambda lab, a, where, seed: [spiking.noise_ratio(lab, _gru(a, LAST), _gru(a, SECOND), where, seed)],
    ),
    Claim(
        "some neurons are predicted better than others", "section 3, figure 11",
        "do the two halves of the span agree on which, after 1000 epochs", Range(0.0, None),
        lambda lab, a, where, seed: [measure.lasting_order(lab, _gru(a, LAST), where, seed)],
    ),
    Claim(
        "recurrent networks are promising for inferring voltages", "abstract and section 3",
        "the GRU's one-step error after 1000 epochs / the best of persistence and autoregressions", BELOW_ONE,
        lambda lab, a, where, seed: [measure.error_over_linear(lab, _gru(a, LAST), where, seed)],
    ),
)  # fmt: skip
