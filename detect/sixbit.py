"""Small whole numbers as text, one letter for each six bits: how signatures and fingerprints travel in records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"

_LETTERS = np.array(list(LETTERS))
_NUMBERS = np.full(128, -1, dtype=np.int16)
_NUMBERS[[ord(letter) for letter in LETTERS]] = np.arange(len(LETTERS))


def text_of(numbers: NDArray[np.integer]) -> str:
    """Numbers of 0..63 as text, a letter each. Raises IndexError for a larger one."""
    return "".join(_LETTERS[numbers.ravel()].tolist())


def numbers_of(text: str) -> NDArray[np.int16]:
    """The numbers that `text_of` wrote, int16 [letter]. Raises ValueError for a letter that it does not use."""
    letters = np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8)
    numbers: NDArray[np.int16] = _NUMBERS[letters]
    if numbers.size and numbers.min() < 0:
        raise ValueError("a letter that is not one of the 64")
    return numbers
