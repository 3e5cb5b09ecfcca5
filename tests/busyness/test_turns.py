"""Clips of one camera are counted in order, whatever the threads do; clips of different cameras side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from busyness.turns import Turns


@pytest.mark.parametrize("seed", range(5))
def test_the_clips_of_a_camera_are_counted_in_the_order_they_were_taken(seed: int) -> None:
    random, turns, taking = Random(seed), Turns(), threading.Lock()
    clips = [(random.choice("abc"), number) for number in range(200)]
    waiting, counted = iter(clips), []

    def count(_: int) -> None:
        while True:
            with taking:
                clip = next(waiting, None)
                turn = None if clip is None else turns.queue(clip[0])
            if turn is None:
                return
            with turn:
                threading.Event().wait(random.random() / 5_000)
                counted.append(clip)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert sorted(counted) == sorted(clips)
    for camera in "abc":
        assert [clip for clip in counted if clip[0] == camera] == [clip for clip in clips if clip[0] == camera]


def test_another_camera_does_not_wait() -> None:
    turns = Turns()
    with turns.queue("a"), turns.queue("b"):
        second = turns.queue("a")
        assert not second.done


def test_a_turn_that_fails_lets_the_next_one_go() -> None:
    turns = Turns()
    first, second = turns.queue("a"), turns.queue("a")
    with pytest.raises(RuntimeError), first:
        raise RuntimeError
    with second:
        pass
    assert second.done
