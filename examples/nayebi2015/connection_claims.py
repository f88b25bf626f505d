"""What section 6 of the paper says about connections, and the number by which each sentence is judged.

Every number is taken twice where it can be: as the paper did it, on the voltage as it is, and with the own spikes of
each cell blanked, or by a method that whitens as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from nayebi2015.verdicts import Evidence, Range, Word, decide
from neurofit.connectivity.scoring import ConnectivityScores
from neurofit.connectivity.unconnected_averages import Share, UnconnectedAverages
from neurofit.estimators.connectivity_current import InputScore
from neurofit.estimators.connectivity_current_report import find_score

PAPER, CORRECTED = "as the paper did it", "corrected"
BOOTSTRAPS = 2000
MOST = Range(0.5, None)


@dataclass(frozen=True, eq=False)
class Findings:
    """All that the claims are judged by.

    Attributes:
        averages: Averages of all pairs.
        inputs: Correlations of weighted input.
        methods: By name: whether it is the paper's, and its scores.
    """

    averages: UnconnectedAverages
    inputs: Sequence[InputScore]
    methods: Mapping[str, tuple[bool, ConnectivityScores]]


Measure = Callable[[Findings], list[Evidence]]


@dataclass(frozen=True)
class Claim:
    """One sentence of the paper.

    Attributes:
        text: The sentence, in our words.
        source: Where it stands.
        number: What is measured.
        claimed: Where the sentence says the number lies; edges that it leaves open are ours.
        measures: Evidence, by `PAPER` and `CORRECTED`.
    """

    text: str
    source: str
    number: str
    claimed: Range
    measures: Mapping[str, Measure]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: evidence and word, by `PAPER` and `CORRECTED`."""

    claim: Claim
    evidence: Mapping[str, list[Evidence]]
    words: Mapping[str, Word]

    def sentence(self) -> str:
        """The verdict in one line, with its numbers."""
        parts = [f"{where} {self.words[where]} ({'; '.join(each.number for each in found)})"
                 for where, found in self.evidence.items()]  # fmt: skip
        return f"{self.claim.text}: {', '.join(parts)}"

    def as_json(self) -> dict[str, Any]:
        """For `verdicts.json`."""
        return {
            "claim": self.claim.text, "source": self.claim.source, "measure": self.claim.number,
            "claimed": list(self.claim.claimed),
            **{where: {"verdict": self.words[where], "evidence": [each.as_json() for each in found]}
               for where, found in self.evidence.items()},
        }  # fmt: skip


def judge_connections(findings: Findings) -> list[Verdict]:
    """Every claim of section 6."""
    verdicts = []
    for claim in CLAIMS:
        evidence = {where: measure(findings) for where, measure in claim.measures.items()}
        words = {where: decide(found, claim.claimed) for where, found in evidence.items()}
        verdicts.append(Verdict(claim, evidence, words))
    return verdicts


def _evidence(what: str, found: Share) -> list[Evidence]:
    if not np.isfinite([found.value, found.low, found.high]).all():
        return [Evidence.missing(what, "too few pairs to divide by")]
    return [Evidence(what, found.value, (found.low, found.high), "interval over presynaptic cells")]


def _driven(found: InputScore) -> str:
    return "V" if found.tau_ms is None else f"R I of tau {found.tau_ms:g} ms"


def share_above_chance(found: InputScore) -> Evidence:
    """Share of cells whose correlation passes the 95 % of chance, with Wilson's interval."""
    known = np.isfinite(found.found.r)
    what = f"input with {_driven(found)}: share of cells above chance (0.05 by itself)"
    if not known.any():
        return Evidence.missing(what, "no cell with an input that varies")
    above = int(np.sum(np.abs(found.found.r[known]) > found.found.chance_r[known]))
    interval = binomtest(above, int(known.sum())).proportion_ci(method="wilson")
    r, chance = np.median(found.found.r[known]), np.median(found.found.chance_r[known])
    said = f"median r {r:.3f}, 95 % of chance within {chance:.3f}"
    return Evidence(what, above / int(known.sum()), (float(interval.low), float(interval.high)), said)


def median_correlation(found: InputScore) -> Evidence:
    """Median correlation over cells, with a bootstrap interval."""
    known = np.isfinite(found.found.r)
    what = f"median r of {found.what} with {_driven(found)}"
    if not known.any():
        return Evidence.missing(what, "no cell with an input that varies")
    r = found.found.r[known]
    draws = np.random.default_rng(0).integers(0, len(r), (BOOTSTRAPS, len(r)))
    low, high = np.quantile(np.median(r[draws], axis=1), [0.025, 0.975])
    chance = float(np.median(found.found.chance_r[known]))
    return Evidence(what, float(np.median(r)), (float(low), float(high)), f"95 % of chance within {chance:.3f}")


def _currents(blanked: bool) -> Measure:
    return lambda findings: [
        share_above_chance(each) for each in findings.inputs if each.tau_ms is not None and each.blanked == blanked
    ]


def _averaged(blanked: bool) -> Measure:
    return lambda findings: [
        median_correlation(find_score(findings.inputs, "averaged input", tau_ms=None, blanked=blanked))
    ]


def _ranking(paper: bool) -> Measure:
    def measure(findings: Findings) -> list[Evidence]:
        out = []
        for name, (papers, scores) in findings.methods.items():
            if papers == paper:
                what = f"AUC of {name}"
                note = f"AP {_number(scores.ap)}, chance {_number(scores.ap_chance)}"
                out.append(Evidence(what, scores.auc, scores.auc_ci95, note))
        return out

    return measure


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"


CLAIMS = (
    Claim(
        "averages of unconnected pairs move because a neuron lies between the two", "6.1, figure 13",
        "share of the power beyond noise where more cells lie between, less that where fewer do", Range(0.0, None),
        {CORRECTED: lambda f: _evidence("difference of shares", f.averages.cell_between())},
    ),
    Claim(
        "they are not accurate: there is too much noise", "6.1, figure 13",
        "share of the power that is left with the spikes moved round the end", MOST,
        {PAPER: lambda f: _evidence("share", f.averages.noise()),
         CORRECTED: lambda f: _evidence("share", f.averages.noise_blanked())},
    ),
    Claim(
        "if so, their size falls as one over the square root of the number of spikes", "ours",
        "exponent of size on spikes", Range(-0.6, -0.4),
        {PAPER: lambda f: _evidence("exponent", f.averages.exponent())},
    ),
    Claim(
        "a few drastic changes by spikes of the postsynaptic cell dominate them", "6.1, figure 13",
        "share of the power that goes when own spikes are blanked", MOST,
        {PAPER: lambda f: _evidence("share", f.averages.own_spikes())},
    ),
    Claim(
        "a slow drive that both cells share moves them, which the paper does not ask", "ours",
        "share of the power left with spikes moved by up to 25 ms, beyond noise", Range(0.0, None),
        {CORRECTED: lambda f: _evidence("share", f.averages.shared_drive())},
    ),
    Claim(
        "current cannot be predicted from the weighted input", "6.2, figures 14 and 15",
        "share of cells whose correlation passes the 95 % of chance", Range(None, 0.1),
        {PAPER: _currents(False), CORRECTED: _currents(True)},
    ),
    Claim(
        "the moving average of the weighted input and the voltage correlate weakly and positively", "6.2, figure 16",
        "median r over cells", Range(0.0, 0.4), {PAPER: _averaged(False), CORRECTED: _averaged(True)},
    ),
    Claim(
        "functional connectivity cannot be inferred", "6.2", "AUC, 0.5 by chance", Range(0.45, 0.55),
        {PAPER: _ranking(True), CORRECTED: _ranking(False)},
    ),
)  # fmt: skip
