"""The one plain line: it says that the network lost only where it did."""

from __future__ import annotations

from typing import Any

from neurofit.estimators.tables import verdict


def scores(predictor: str) -> dict[str, Any]:
    errors = {"persistence": 0.4, "mean": 1.0, "ar": 0.2, "var": 0.3}
    own = {"mse": {"pooled": 0.1}, "skill_ar": {"pooled": 0.5}}
    return {"predictor": predictor, "network": own, **{f"mse_{n}": {"pooled": e} for n, e in errors.items()}}


def test_a_network_that_won_is_not_said_to_have_lost_when_another_is_asked_for() -> None:
    line = verdict(scores("ar"), {"network": 0.1, "ar": 0.2}, "gru", "test")
    assert "loses" not in line
    assert line.endswith("Scored as asked: ar")


def test_a_loss_is_said() -> None:
    line = verdict(scores("ar"), {"network": 0.3, "ar": 0.2}, "gru", "test")
    assert line.endswith("On validation the gru loses to ar (0.3 against 0.2): this run predicts with ar")


def test_a_win_stands_beside_every_baseline() -> None:
    line = verdict(scores("network"), {"network": 0.1, "ar": 0.2}, "gru", "test")
    assert "gru mse 0.1, persistence 0.4, mean 1, ar 0.2 " in line
    assert line.endswith("skill over the best autoregression 0.5")
