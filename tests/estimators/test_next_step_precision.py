"""Training in bfloat16: near the float32 fit where the processor can, refused where it cannot."""

from __future__ import annotations

import pytest
import torch
import var2

from neurofit.training import precision
from neurofit_io import RecordingError


def test_it_is_refused_without_instructions(monkeypatch):
    monkeypatch.setattr(precision, "_cpu_flags", frozenset)
    with pytest.raises(RecordingError, match="--precision bf16: the cpu device has no instructions") as error:
        var2.fit(precision="bf16")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("model", ["gru", "lstm", "peephole-lstm"])
@pytest.mark.parametrize("output", ["ar", "residual"])
def test_it_ends_near_the_float32_fit(model, output, monkeypatch):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset({"avx512_bf16"}))
    exact, rounded = (var2.fit(model=model, output=output, precision=word) for word in ("float32", "bf16"))
    errors = [each.scores["test"]["network"]["mse"]["pooled"] for each in (exact, rounded)]
    assert errors[0] != errors[1]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)
    assert all(weight.dtype == torch.float32 for weight in rounded.state_dict().values())


def test_the_memory_of_training_is_written_down():
    model = var2.fit()
    peak = model.run.environment()["peak_memory"]
    assert peak is None or 0 < peak["start_bytes"] <= peak["peak_bytes"]
