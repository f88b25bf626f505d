"""The verdicts on connections as files: `verdicts.json` for programs, `verdicts.md` for readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nayebi2015.connection_claims import CORRECTED, PAPER, Findings, Verdict
from neurofit_io.files import write_json, write_text

SCORES = ("auc", "ap", "ap_chance", "ap_e", "ap_i", "r_weight", "dale_accuracy", "auc_distance", "ap_distance")


def write_connection_verdicts(
    folder: Path, findings: Findings, verdicts: Sequence[Verdict], facts: Mapping[str, Any]
) -> str:
    """Writes both files; returns the verdicts for the terminal.

    Args:
        folder: Where they go.
        findings: What they are made from.
        verdicts: What became of the claims.
        facts: Recording, cells shown and notes.
    """
    methods = [{"method": name, "paper": paper, **scores.as_row()} for name, (paper, scores) in
               findings.methods.items()]  # fmt: skip
    lengths = [dict(zip(("length", "pairs", "size_mv", "noise_mv"), row, strict=True)) for row in
               findings.averages.by_length()]  # fmt: skip
    write_json(
        folder / "verdicts.json",
        {**facts, "claims": [each.as_json() for each in verdicts], "methods": methods, "path_lengths": lengths,
         "inputs": [each.as_row() for each in findings.inputs]},
    )  # fmt: skip
    lines = [f"{i}. {verdict.sentence()}" for i, verdict in enumerate(verdicts, 1)]
    write_text(folder / "verdicts.md", _page(verdicts, methods, lengths, facts))
    return "\n".join(lines)


def _page(
    verdicts: Sequence[Verdict], methods: Sequence[Mapping[str, Any]], lengths: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
) -> str:  # fmt: skip
    wheres = (PAPER, CORRECTED)
    claims = [
        (f"{i}. {each.claim.text}", each.claim.source, each.claim.number, str(each.claim.claimed),
         *(_found(each, where) for where in wheres))
        for i, each in enumerate(verdicts, 1)
    ]  # fmt: skip
    scores = [
        (f"{row['method']}{' (the paper)' * row['paper']}", *(_number(row[name]) for name in SCORES)) for row in methods
    ]
    sizes = [(row["length"], str(row["pairs"]), _number(row["size_mv"]), _number(row["noise_mv"])) for row in lengths]
    evidence = [
        f"{i}. {where}: {each}"
        for i, verdict in enumerate(verdicts, 1)
        for where, found in verdict.evidence.items()
        for each in found
    ]
    parts = [
        f"# Section 6 of Nayebi, Cable and Wedeen 2015 on {facts['recording']}",
        "\n".join(f"- {note}" for note in facts["notes"]),
        "A number with its 95 % interval. Supported: all of every interval lies where the claim says; contradicted: "
        "none does; not supported: neither; cannot be told: there is no number or no interval.",
        _table(("what is claimed", "where", "judged by", "claimed", *wheres), claims),
        "## Could the weights be inferred",
        _table(("method", *SCORES), scores),
        "## Size of averages by the shortest path between the cells",
        _table(("synapses", "pairs", "size (mV)", "noise (mV)"), sizes),
        "## All numbers",
        "\n".join(evidence),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _found(verdict: Verdict, where: str) -> str:
    if where not in verdict.words:
        return ""
    return f"{verdict.words[where]} ({'; '.join(each.number for each in verdict.evidence[where])})"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3g}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in lines)
