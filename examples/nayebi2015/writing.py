"""The verdicts as files: `verdicts.json` for programs, `verdicts.md` for readers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from nayebi2015.claims import Verdict
from nayebi2015.lab import WHERE, Lab, Where
from nayebi2015.plan import Snapshot
from neurofit_io.files import write_json, write_text

HEADER = ("what the paper says", "where", "judged by", "claimed", *WHERE)


def write_verdicts(folder: Path, lab: Lab, verdicts: Sequence[Verdict], facts: dict[str, Any]) -> str:
    """Writes both files; returns the verdicts for the terminal.

    Args:
        folder: Where they go.
        lab: The fitted arms.
        verdicts: What became of the claims.
        facts: Recording, channels and notes.
    """
    arms = [row for arm in lab.plan.arms for stage in lab.plan.stages(arm) for row in _rows(lab, Snapshot(arm, stage))]
    claims = [_as_json(verdict) for verdict in verdicts]
    write_json(folder / "verdicts.json", {**facts, "snapshots": arms, "claims": claims})
    lines = [f"{i}. {_title(verdict)}: {_words(verdict)}" for i, verdict in enumerate(verdicts, 1)]
    write_text(folder / "verdicts.md", _page(verdicts, arms, facts, lines))
    return "\n".join(lines)


def _rows(lab: Lab, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Errors of one snapshot with every seed, beside the baselines'."""
    rows = []
    for seed in lab.seeds:
        row: dict[str, Any] = {
            "arm": snapshot.arm.name, "seed": seed, "epoch": lab.plan.epoch(snapshot.stage),
            "paper_epoch": snapshot.stage,
            "seconds_per_epoch": median(each["seconds"] for each in lab.history(snapshot.arm, seed)),
        }  # fmt: skip
        for where in WHERE:
            sums = lab.one_step(snapshot, seed, where).sums
            row[where] = {name: float(each.channel_mse.mean()) for name, each in sums.items()}
        rows.append(row)
    return rows


def _as_json(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "claim": claim.text,
        "source": claim.source,
        "compared_with": verdict.rival,
        "measure": claim.number,
        "claimed": list(claim.claimed),
        **{
            where: {"verdict": verdict.words[where], "evidence": [each.as_json() for each in verdict.evidence[where]]}
            for where in claim.spans
        },
    }


def _title(verdict: Verdict) -> str:
    return verdict.claim.text if verdict.rival is None else f"{verdict.claim.text} [{verdict.rival}]"


def _words(verdict: Verdict) -> str:
    return ", ".join(f"{where} {_first(verdict, where)}" for where in verdict.claim.spans)


def _first(verdict: Verdict, where: Where) -> str:
    """The word, with the numbers of the evidence."""
    numbers = "; ".join(each.number for each in verdict.evidence[where])
    return f"{verdict.words[where]} ({numbers})"


def _page(
    verdicts: Sequence[Verdict], arms: Sequence[dict[str, Any]], facts: dict[str, Any], lines: Sequence[str]
) -> str:
    claims = [
        (f"{i}. {_title(v)}", v.claim.source, v.claim.number, str(v.claim.claimed),
         *(_first(v, where) if where in v.words else "" for where in WHERE))
        for i, v in enumerate(verdicts, 1)
    ]  # fmt: skip
    predictors = sorted({name for row in arms for name in row["held-out"]}, key=_ORDER.index)
    header = ("arm", "seed", "epoch", "s an epoch", *(f"{w} {name}" for w in WHERE for name in predictors))
    errors = [
        (row["arm"], str(row["seed"]), f"{row['epoch']} (paper: {row['paper_epoch']})",
         f"{row['seconds_per_epoch']:.3g}", *(f"{row[w].get(n, float('nan')):.4g}" for w in WHERE for n in predictors))
        for row in arms
    ]  # fmt: skip
    evidence = [
        f"{i}. {where}: {each}"
        for i, verdict in enumerate(verdicts, 1)
        for where, all_of in verdict.evidence.items()
        for each in all_of
    ]
    parts = [
        f"# The claims of Nayebi, Cable and Wedeen 2015 on {facts['recording']}, {facts['signal']}",
        "\n".join(f"- {note}" for note in facts["notes"]),
        "A number with its 95 % interval, one a seed. Supported: all of every interval lies where the paper says; "
        "contradicted: none does; not supported: neither; cannot be told: there is no number or no interval.",
        _table(HEADER, claims),
        "## One-step errors, in squared units of the training standard deviation",
        _table(header, errors),
        "## All numbers",
        "\n".join(evidence),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_ORDER = ("network", "persistence", "mean", "ar", "var", "arx")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
