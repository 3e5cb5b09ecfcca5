"""The signature of a view as numbers: coded as text, averaged, and laid over another to see whether they are one view.

A signature is a field over the picture's cells: in each, a vector of the direction in which edges run there, doubled so
that dark-to-bright and bright-to-dark are one (the structure tensor in double-angle form: Bigün and Granlund, "Optimal
orientation detection of linear symmetry", ICCV 1987), as long as the edges agree with each other, less what the cells
around have in common: a road runs towards its vanishing point in every picture. Two fields are compared by normalised
cross-correlation over all shifts of up to `REACH_CELLS`, only where both have cells (Padfield, "Masked object
registration in the Fourier domain", IEEE TIP 21(5), 2012).

Numbers only: this module knows no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detect.scene import COLUMNS, ROWS, SIGNATURE_LENGTH
from detect.sixbit import numbers_of, text_of

Field = NDArray[np.complex64]
"""Directions, complex64 [row, column]; 0 where a caption covers the cell, and where no edge is."""

REACH_CELLS = 6
"""The farthest shift that is looked for: 48 px of 352x288."""

_STEPS = 31  # of a component, from 0 to 1
_PARTS = 4  # of the picture, along each axis
_LEAST_ENERGY = 1e-3  # a field without edges is like no other
_FFT_SIZE = (45, 50)  # at least the cells and the reach; quick to transform


def _visible() -> NDArray[np.bool_]:
    """Where no publisher writes: time and place above and below, logo and number in the upper corners, black edges."""
    visible = np.ones((ROWS, COLUMNS), dtype=bool)
    edge, corner_rows, corner_columns = round(ROWS * 0.08), round(ROWS * 0.20), round(COLUMNS * 0.30)
    visible[:edge] = visible[-edge:] = False
    visible[:, 0] = visible[:, -1] = False
    visible[:corner_rows, :corner_columns] = visible[:corner_rows, -corner_columns:] = False
    visible.setflags(write=False)
    return visible


VISIBLE = _visible()
_MASK_FFT = np.fft.rfft2(VISIBLE.astype(np.float32), _FFT_SIZE)


@dataclass(frozen=True)
class Alignment:
    """How similar two fields are (-1..1) where they agree best, and how far one then lies from the other, in cells."""

    similarity: float
    right_cells: float
    down_cells: float


ANYWHERE = Alignment(0.0, 0.0, 0.0)
"""How a field lies to none."""


def coded(field: Field) -> str:
    """A field as text of `SIGNATURE_LENGTH` letters: two for each visible cell; components are held to -1..1."""
    cells = field[VISIBLE]
    steps = np.stack([cells.real, cells.imag], axis=-1).clip(-1, 1) * _STEPS
    return text_of(np.rint(steps).astype(np.int16) + _STEPS)


def decoded(signature: str) -> Field:
    """The field that `coded` wrote. Raises ValueError for a text of another length or alphabet."""
    numbers = numbers_of(signature)
    if len(numbers) != SIGNATURE_LENGTH:
        raise ValueError(f"a signature has {SIGNATURE_LENGTH} letters, got {len(numbers)}")
    steps = (numbers.astype(np.float32) - _STEPS) / _STEPS
    field = np.zeros((ROWS, COLUMNS), dtype=np.complex64)
    field[VISIBLE] = steps[0::2] + 1j * steps[1::2]
    return field


def averaged(known: Field, seen: Field, weight: float) -> Field:
    """`known` with `seen` mixed in by `weight` (0..1)."""
    mixed: Field = known + np.float32(weight) * (seen - known)
    return mixed


def zoomed(field: Field, scale: float) -> Field:
    """The field as the camera would show it once zoomed in by `scale`: directions stay, places go from the middle."""
    rows, columns = (
        np.rint((np.arange(count) - (count - 1) / 2) / scale + (count - 1) / 2).astype(int) for count in (ROWS, COLUMNS)
    )
    inside = ((rows >= 0) & (rows < ROWS))[:, None] & ((columns >= 0) & (columns < COLUMNS))[None, :]
    shown: Field = field[rows.clip(0, ROWS - 1)[:, None], columns.clip(0, COLUMNS - 1)[None, :]] * (inside & VISIBLE)
    return shown


def aligned(seen: Field, known: Sequence[Field]) -> list[Alignment]:
    """For each of `known`, how similar `seen` is to it at the best shift, and where it then lies."""
    if not known:
        return []
    stack = np.stack(known)
    common = np.fft.ifft2(np.fft.fft2(stack, _FFT_SIZE).conj() * np.fft.fft2(seen, _FFT_SIZE)).real
    energy_of_known = np.fft.irfft2(np.fft.rfft2(_energy(stack), _FFT_SIZE).conj() * _MASK_FFT, _FFT_SIZE)
    energy_of_seen = np.fft.irfft2(_MASK_FFT.conj() * np.fft.rfft2(_energy(seen), _FFT_SIZE), _FFT_SIZE)
    energy = np.sqrt(np.maximum(energy_of_known, 0) * np.maximum(energy_of_seen, 0))
    lags = np.arange(-REACH_CELLS, REACH_CELLS + 1)
    correlation = common / np.maximum(energy, _LEAST_ENERGY)
    return [_peak(one) for one in correlation[:, lags[:, None], lags[None, :]]]


def steadiness(one: Field, other: Field) -> float:
    """How similar two fields of one clip are in place, in the best quarter of the picture's 16 parts (-1..1).

    A lorry covers some parts of the picture and leaves the others as they were; a turning camera leaves none.
    """

    def parts(values: NDArray[np.float32]) -> NDArray[np.float32]:
        high, wide = ROWS // _PARTS, COLUMNS // _PARTS
        summed: NDArray[np.float32] = values.reshape(_PARTS, high, _PARTS, wide).sum(axis=(1, 3)).ravel()
        return summed

    energy = np.sqrt(parts(_energy(one)) * parts(_energy(other)))
    similarity = parts((one.conj() * other).real) / np.maximum(energy, _LEAST_ENERGY)
    best_quarter = np.sort(similarity)[-(_PARTS**2 // 4)]
    return min(1.0, max(-1.0, float(best_quarter)))


def _energy(field: Field) -> NDArray[np.float32]:
    energy: NDArray[np.float32] = field.real**2 + field.imag**2
    return energy


def _peak(correlation: NDArray[np.float64]) -> Alignment:
    """The highest point of a parabola through the highest cell and its neighbours, along each axis."""
    row, column = (int(index) for index in np.unravel_index(int(correlation.argmax()), correlation.shape))
    down, rise_down = _vertex(correlation[:, column], row)
    right, rise_right = _vertex(correlation[row], column)
    similarity = min(1.0, max(-1.0, float(correlation[row, column]) + rise_down + rise_right))
    return Alignment(similarity, column + right - REACH_CELLS, row + down - REACH_CELLS)


def _vertex(values: NDArray[np.float64], at: int) -> tuple[float, float]:
    """How far the parabola's vertex lies from the highest value, in steps, and how much above it."""
    if at in (0, len(values) - 1):
        return 0.0, 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    if bend >= 0:
        return 0.0, 0.0
    offset = (before - after) / (2 * bend)
    return offset, -((before - after) ** 2) / (8 * bend)
