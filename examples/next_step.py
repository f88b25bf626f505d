"""Fit a GRU to the voltage outside 60 cells from Python, and print its scores beside the trivial answers.

python examples/next_step.py
"""

from __future__ import annotations

from pathlib import Path

from neurofit import NextStep, load

RECORDING = Path(__file__).parent / "data" / "bionet_60cells"


def main() -> None:
    """Fits, scores and predicts."""
    recording = load(RECORDING)
    model = NextStep(cell="gru", signal="extracellular", epochs=20).fit(recording)
    test = model.scores["test"]
    for name in ("persistence", "mean", "ar", "var"):
        print(f"{name:>12}: mse {test[f'mse_{name}']['pooled']:.4f}")
    print(f"{'gru':>12}: mse {test['network']['mse']['pooled']:.4f}")
    prediction = model.predict(predictor="network")
    worst = abs(prediction.values - prediction.truth).max()
    print(f"{len(prediction.values)} steps from {prediction.time_s[0]:.4f} s on, largest error {worst:.1f} uV")


if __name__ == "__main__":
    main()
