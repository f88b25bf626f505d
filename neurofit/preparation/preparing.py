"""`prepare`: from a recording to a series in model space with its spans.

select -> cut what is missing -> condition -> split -> moments of the training span -> standardise
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.conditioning import conditioned, needed
from neurofit.preparation.moments import Moments, moments_over, survey
from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.residency import fits, in_memory
from neurofit.preparation.selection import narrowed, select, select_like
from neurofit.preparation.series import Frozen, PreparedSeries
from neurofit.preparation.splitting import Split, Stretch, Stretches, check, count, scored, split, without
from neurofit.preparation.standardising import FLOOR, Standardiser, standardise
from neurofit_io import Recording, RecordingError, RecordingWarning, Signal

MOST_MISSING = 0.5
CONSTANT = 1e-12


@dataclass
class _Draft:
    """A series in the making: channels are taken out of it, and notes are taken."""

    signal: Signal
    loaded: Signal
    """The same signal, in memory when it fits."""
    columns: NDArray[np.intp]
    excluded: dict[str, list] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, good: NDArray[np.bool_], reason: str, words: str) -> NDArray[np.intp]:
        """Leaves out the other channels; the positions that stay."""
        kept = np.flatnonzero(good)
        if len(kept) < len(good):
            ids = self.signal.channel_ids[~good].tolist()
            self.excluded[reason] = ids
            self.notes.append(f"{len(ids)} of {len(good)} channels left out, {words}: {_listed(ids)}")
        if not len(kept):
            raise RecordingError(self.signal.source.place, f"no channel of {self.signal.name} is left: all are {words}")
        self.signal, self.loaded = narrowed(self.signal, kept), narrowed(self.loaded, kept)
        self.columns = self.columns[kept]
        return kept


def prepare(
    recording: Recording, options: PrepareOptions | None = None, *, like: Frozen | None = None
) -> PreparedSeries:
    """Selects, cleans, splits and standardises a continuous signal or binned spikes.

    What was cut, left out, floored or leaks is said in a `RecordingWarning` each.

    Args:
        recording: The recording.
        options: What to take and what to do with it.
        like: What a fitted model remembers: its channels (found by their ids) and its standardiser are used instead
            of the recording's own, and `channels`, `units` and `zscore` are not looked at.

    Returns:
        The series; values are in memory up to 1 GB and read from the file above that.

    Raises:
        RecordingError: Something asked for is not there, or there is too little of it.
    """
    options = options or PrepareOptions()
    check(options)
    signal, columns = select(recording, options) if like is None else select_like(recording, options, like.channel_ids)
    _check_signal(signal, options)
    draft = _Draft(signal, in_memory(signal), columns)
    usable, parts, moments = _spans(draft, options, like)
    if like is None:
        standardiser = _standardiser(draft, options, usable, parts, moments)
        _note_unscored(draft, usable, parts)
    else:
        standardiser = like.standardiser
    for note in draft.notes:
        warnings.warn(note, RecordingWarning, stacklevel=2)
    return PreparedSeries(
        name=draft.signal.name, kind=draft.signal.kind, unit=draft.signal.unit, dt_ms=_dt_ms(draft.signal),
        channel_ids=draft.signal.channel_ids, columns=draft.columns, excluded=draft.excluded,
        standardiser=standardiser, usable=usable, split=parts, notes=tuple(draft.notes), signal=draft.signal,
        resident=_resident(draft.loaded, standardiser),
    )  # fmt: skip


def _spans(draft: _Draft, options: PrepareOptions, like: Frozen | None) -> tuple[Stretches, Split, Moments]:
    """Cuts what is missing, conditions and splits; also the moments of the training span.

    One pass over the file serves both missing values and moments: the split is guessed as if nothing were missing.
    """
    whole = _stretches(draft.signal)
    guess = () if like or needed(options) else split(whole, dt_ms=_dt_ms(draft.signal), options=options).train
    found = survey(draft.loaded, guess)
    kept = np.arange(draft.signal.shape[1])
    if like is None:
        few = found.missing <= MOST_MISSING * draft.signal.shape[0]
        kept = draft.keep(few, "missing", "more than half of their values missing")
    usable = _cut(draft, whole, found.runs(kept))
    if needed(options):
        draft.signal = draft.loaded = conditioned(draft.loaded, usable, options)
        usable = _stretches(draft.signal)
    parts = split(usable, dt_ms=_dt_ms(draft.signal), options=options, max_order=like.max_order if like else None)
    if like:
        _check_step(draft.signal, like)
        return usable, parts, found.moments
    _check_enough(draft.signal, options, usable, parts)
    return usable, parts, found.moments.of(kept) if parts.train == guess else moments_over(draft.loaded, parts.train)


def _cut(draft: _Draft, whole: Stretches, missing: NDArray[np.int64]) -> Stretches:
    usable = without(whole, missing)
    cut, total = count(whole) - count(usable), count(whole)
    if cut:
        share = 100 * cut / total
        draft.notes.append(f"{cut} of {total} steps ({share:.2g} %) in {len(missing)} runs cut, values missing")
    if not usable:
        raise RecordingError(
            draft.signal.source.place, f"every step of {draft.signal.name} misses a value of some channel",
            expected="steps at which all channels are known", do="choose others with --channels",
        )  # fmt: skip
    return usable


def _standardiser(
    draft: _Draft, options: PrepareOptions, usable: Stretches, parts: Split, moments: Moments
) -> Standardiser:
    """Leaves out constant channels; standardises the others."""
    varies = moments.std > CONSTANT * np.abs(moments.mean)
    moments = moments.of(draft.keep(varies, "constant", "constant in the training span"))
    leaks = options.zscore.startswith("all")
    if leaks:
        draft.notes.append(f"leak: statistics include the test span (--zscore {options.zscore})")
    standardiser = standardise(moments, moments_over(draft.loaded, usable) if leaks else moments, options.zscore)
    raised = int(np.sum(standardiser.train_std > moments.std))
    if raised:
        draft.notes.append(
            f"{raised} of {len(moments.std)} channels vary less than {FLOOR:g} of the median; their std was raised to "
            f"{standardiser.train_std.min():.3g} {draft.signal.unit}".rstrip()
        )
    return standardiser


def _note_unscored(draft: _Draft, usable: Stretches, parts: Split) -> None:
    spans = {"validation": parts.validation, "test": parts.test}
    if parts.validation is parts.test:
        del spans["validation"]
    for name, span in spans.items():
        begins = {s.stop for s in scored(span, usable, warmup_steps=parts.warmup_steps)}
        short = [stretch for stretch in span if stretch.stop not in begins]
        if short:
            draft.notes.append(
                f"{len(short)} of {len(span)} stretches ({count(short)} of {count(span)} steps) of the {name} span are "
                f"not scored, no longer than the warm-up of {parts.warmup_steps} steps"
            )


def _resident(signal: Signal, standardiser: Standardiser) -> NDArray[np.float32] | None:
    if not fits(signal.shape):
        return None
    values = np.empty(signal.shape, np.float32)
    for first, slab in signal.slabs():
        standardiser.apply(slab, out=values[first : first + len(slab)])
    values.flags.writeable = False
    return values


def _stretches(signal: Signal) -> Stretches:
    return tuple(Stretch(segment.start, segment.stop) for segment in signal.segments)


def _dt_ms(signal: Signal) -> float:
    assert signal.rate_hz is not None
    return 1000 / signal.rate_hz


def _check_signal(signal: Signal, options: PrepareOptions) -> None:
    if 0 in signal.shape:
        steps, channels = signal.shape
        raise RecordingError(signal.source.place, f"{signal.name} has {steps} steps of {channels} channels")
    if signal.rate_hz is None and options.resample_hz is None:
        irregular = signal.clock.timestamps is not None
        found, do = ("irregular timestamps", "--resample-hz") if irregular else ("no sampling rate", "--rate-hz")
        raise RecordingError(signal.source.place, f"{signal.name} has {found}", do=f"give {do}")


def _check_step(signal: Signal, like: Frozen) -> None:
    if abs(_dt_ms(signal) - like.dt_ms) > 1e-6 * like.dt_ms:
        raise RecordingError(
            signal.source.place, f"steps of {_dt_ms(signal):g} ms",
            expected=f"{like.dt_ms:g} ms, as in the fitted recording",
        )  # fmt: skip


def _check_enough(signal: Signal, options: PrepareOptions, usable: Stretches, parts: Split) -> None:
    sizes = {"training": count(parts.train), "validation": count(parts.validation), "test": count(parts.test)}
    if sizes["training"] < 2 or not sizes["validation"] or not sizes["test"]:
        listed = ", ".join(f"{size} for {name}" for name, size in sizes.items())
        raise RecordingError(
            signal.source.place, f"{count(usable)} usable steps leave {listed} with gaps of {parts.gap_steps} steps",
            expected="2 or more to train on and some in every span", do="use more time or a shorter --gap-ms",
        )  # fmt: skip


def _listed(ids: list) -> str:
    return ", ".join(map(str, ids[:5])) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
