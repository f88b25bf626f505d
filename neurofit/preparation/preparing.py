"""`prepare`: from a recording to a series in model space with its spans.

select -> cut what is missing -> condition -> split -> moments of the training span -> standardise

Measured inputs go the same way beside the signal, but for what changes its values.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurofit.preparation.cache import quick_to_read
from neurofit.preparation.conditioning import conditioned, needed
from neurofit.preparation.inputs import as_laid, inputs_like, select_inputs
from neurofit.preparation.moments import Moments, moments_over, survey
from neurofit.preparation.options import PrepareOptions
from neurofit.preparation.residency import fits, in_memory, resident
from neurofit.preparation.selection import narrowed, select, select_like
from neurofit.preparation.series import Frozen, MeasuredInputs, PreparedSeries
from neurofit.preparation.splitting import Split, Stretch, Stretches, check, count, scored, split, union, without
from neurofit.preparation.standardising import FLOOR, Standardiser, by_training, standardise
from neurofit_io import Recording, RecordingError, RecordingWarning, Signal
from neurofit_io.joining import join

MOST_MISSING = 0.5
CONSTANT = 1e-12


@dataclass
class _Draft:
    """A series in the making: channels are taken out of it, and notes are taken."""

    signal: Signal
    loaded: Signal
    """The same signal, in memory when it fits."""
    columns: NDArray[np.intp]
    notes: list[str]
    what: str = "channels"
    excluded: dict[str, list] = field(default_factory=dict)
    moments: Moments | None = None
    """Over the training span."""

    def keep(self, good: NDArray[np.bool_], reason: str, words: str) -> NDArray[np.intp]:
        """Leaves out the other channels; the positions that stay."""
        kept = np.flatnonzero(good)
        if len(kept) < len(good):
            ids = self.signal.channel_ids[~good].tolist()
            self.excluded[reason] = ids
            self.notes.append(f"{len(ids)} of {len(good)} {self.what} left out, {words}: {_listed(ids)}")
        if not len(kept):
            raise RecordingError(
                self.signal.source.place, f"no {self.what[:-1]} of {self.signal.name} is left: all are {words}"
            )
        self.signal, self.loaded = narrowed(self.signal, kept), narrowed(self.loaded, kept)
        self.columns = self.columns[kept]
        return kept

    def keep_varying(self) -> Moments:
        """Leaves out what does not vary in the training span; the moments of the others."""
        assert self.moments is not None
        varies = self.moments.std > CONSTANT * np.abs(self.moments.mean)
        return self.moments.of(self.keep(varies, "constant", "constant in the training span"))


def prepare(
    recording: Recording | Sequence[Recording], options: PrepareOptions | None = None, *, like: Frozen | None = None
) -> PreparedSeries:
    """Selects, cleans, splits and standardises a continuous signal or binned spikes.

    What was cut, left out, floored or leaks is said in a `RecordingWarning` each.

    Args:
        recording: The recording; several of the same channels are laid one after the other.
        options: What to take and what to do with it.
        like: What a fitted model remembers: its channels (found by their ids), its inputs (by their labels) and its
            standardisers are used instead of the recording's own; `channels`, `units` and `zscore` are not looked at.

    Returns:
        The series; values are in memory up to `memory_gb` and read from the file above that.

    Raises:
        RecordingError: Something asked for is not there, or there is too little of it.
    """
    options = options or PrepareOptions()
    check(options)
    recording = recording if isinstance(recording, Recording) else join(recording)
    signal, columns = select(recording, options) if like is None else select_like(recording, options, like.channel_ids)
    _check_signal(signal, options)
    draft = _draft(signal, columns, options, [])
    beside = _inputs(recording, options, draft, like)
    usable, parts = _spans([draft, *beside], options, like)
    standardiser = _standardiser(draft, options, usable) if like is None else like.standardiser
    inputs = _measured(beside[0], like, options) if beside else None
    if like is None:
        _note_unscored(draft, usable, parts)
    for note in draft.notes:
        warnings.warn(note, RecordingWarning, stacklevel=2)
    return PreparedSeries(
        name=draft.signal.name, kind=draft.signal.kind, unit=draft.signal.unit, dt_ms=_dt_ms(draft.signal),
        channel_ids=draft.signal.channel_ids, columns=draft.columns, excluded=draft.excluded,
        standardiser=standardiser, usable=usable, split=parts, notes=tuple(draft.notes), signal=draft.signal,
        resident=resident(draft.loaded, standardiser, options.memory_gb), inputs=inputs,
    )  # fmt: skip


def _draft(
    signal: Signal, columns: NDArray[np.intp], options: PrepareOptions, notes: list[str], *, what: str = "channels"
) -> _Draft:
    """A signal in the making, read into memory when it fits, else from a quick copy when its file is slow."""
    if not options.memory_gb >= 0:
        raise RecordingError("", f"--memory-gb {options.memory_gb:g}", expected="0 or more")
    if fits(signal.shape, options.memory_gb):
        return _Draft(signal, in_memory(signal, options.memory_gb), columns, notes=notes, what=what)
    signal, said = quick_to_read(signal, options.cache)
    notes += [] if said is None else [said]
    return _Draft(signal, signal, columns, notes=notes, what=what)


def _inputs(recording: Recording, options: PrepareOptions, draft: _Draft, like: Frozen | None) -> list[_Draft]:
    """The measured inputs as one more signal in the making; none when none are asked for."""
    if not (options.inputs if like is None else like.input_names):
        return []
    signal = select_inputs(recording, options, draft.signal)
    signal = signal if like is None else inputs_like(signal, like.input_names)
    return [_draft(signal, np.arange(signal.shape[1]), options, draft.notes, what="inputs")]


def _measured(draft: _Draft, like: Frozen | None, options: PrepareOptions) -> MeasuredInputs:
    standardiser = by_training(draft.keep_varying()) if like is None else like.input_standardiser
    assert standardiser is not None
    names = tuple(draft.signal.channel_ids.tolist())
    held = resident(draft.loaded, standardiser, options.memory_gb)
    return MeasuredInputs(names, draft.signal, standardiser, held)


def _spans(drafts: list[_Draft], options: PrepareOptions, like: Frozen | None) -> tuple[Stretches, Split]:
    """Cuts what is missing in any of the drafts, conditions and splits; also takes moments of the training span.

    One pass over the file serves both missing values and moments: the split is guessed as if nothing were missing.
    """
    draft = drafts[0]
    whole = _stretches(draft.signal)
    guess = () if like or needed(options) else split(whole, dt_ms=_dt_ms(draft.signal), options=options).train
    missing = union(*(_missing(each, guess, like) for each in drafts))
    usable = _cut(draft, whole, missing)
    if needed(options):
        for each in drafts:
            steps_only = options if each is draft else as_laid(options)
            each.signal = each.loaded = conditioned(each.loaded, usable, steps_only)
        usable = _stretches(draft.signal)
    parts = split(usable, dt_ms=_dt_ms(draft.signal), options=options, max_order=like.max_order if like else None)
    if like:
        _check_step(draft.signal, like)
        return usable, parts
    _check_enough(draft.signal, options, usable, parts)
    if parts.train != guess:
        for each in drafts:
            each.moments = moments_over(each.loaded, parts.train)
    return usable, parts


def _missing(draft: _Draft, guess: Stretches, like: Frozen | None) -> NDArray[np.int64]:
    """Runs of steps at which a channel is missing, after those that mostly are were left out; also takes moments."""
    found = survey(draft.loaded, guess)
    kept = np.arange(draft.signal.shape[1])
    if like is None:
        few = found.missing <= MOST_MISSING * draft.signal.shape[0]
        kept = draft.keep(few, "missing", "more than half of their values missing")
    draft.moments = found.moments.of(kept)
    return found.runs(kept)


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


def _standardiser(draft: _Draft, options: PrepareOptions, usable: Stretches) -> Standardiser:
    """Leaves out constant channels; standardises the others."""
    moments = draft.keep_varying()
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
