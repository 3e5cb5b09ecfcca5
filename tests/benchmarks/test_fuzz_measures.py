"""`make bench-media-fuzz` tells what a child took as it was measured, and loses no file from sight."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import media_fuzz
import pytest
from media_fuzz import HARMLESS, Examined, Examiner, figures, run_parents

from busyness.worker_jobs import WorkerSetup
from ingest.jail.limits import JailLimits
from tests.ingest.broken_media import synthetic_seeds

CPU_S = 0.03
"""Less than a clip takes, far more than bytes that are none."""

ENDS_EARLY = """
import sys
files, firsts = int(sys.argv[2]), [int(first) for first in sys.argv[6:]]
for first in firsts:
    for number in range(first, files, 2):
        if number == 5:
            {how}
        print('{{"number": %d, "status": "ok", "reason": "", "lost": null, "cpu_s": 0.1, "wall_s": 0.2, "peak_mb": 90}}'
              % number, flush=True)
"""


@pytest.fixture(scope="module")
def examiner() -> Iterator[Examiner]:
    examiner = Examiner(WorkerSetup(model="lowres-2", jail=JailLimits(jobs=2, cpu_s=CPU_S)))
    yield examiner
    examiner.close()


@pytest.mark.skipif(sys.platform != "linux", reason="what a running child has used is read in /proc")
def test_a_child_that_ends_after_its_jobs_is_not_lost_and_its_successors_start_is_no_files(examiner: Examiner) -> None:
    for number in range(3):
        examined = examiner.examine(number, HARMLESS)
        assert (examined.lost, examined.told) == (None, True)
        assert examined.cpu_s is not None
        assert examined.cpu_s < CPU_S, "a start takes a second"
        assert 20 < examined.peak_mb < 512, "what was measured, not the limit"


@pytest.mark.skipif(sys.platform != "linux", reason="what a running child has used is read in /proc")
def test_what_a_lost_child_took_is_measured(examiner: Examiner, tmp_path: Path) -> None:
    examined = examiner.examine(7, synthetic_seeds(tmp_path)[0])
    assert (examined.lost, examined.status) == ("cpu_time", "oversize")
    assert examined.cpu_s is not None
    assert CPU_S - 0.01 <= examined.cpu_s < 1, "not the limit, and without the start"
    assert examined.wall_s > 0
    assert examined.peak_mb > 20, "and at least what this process held: see ChildEnd"


@pytest.mark.parametrize("how", ["raise ValueError('a mistake of ours')", "sys.exit(0)"])
def test_a_parent_that_ends_early_is_a_crash_and_its_files_are_told(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_fuzz, "PARENT", (sys.executable, "-c", ENDS_EARLY.format(how=how)))
    examined, crashes, in_hand = run_parents(10, 1)
    assert (crashes, in_hand) == (1, [5])
    told = figures(examined, 10, crashes, in_hand)
    assert (told["files"], told["parent_crashes"], told["without_reason"]) == (9, 1, 1)


def test_a_parent_that_never_gets_to_a_file_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_fuzz, "PARENT", (sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(RuntimeError, match="ended with 3 before it was done with any file"):
        run_parents(10, 1)


def test_a_file_that_is_missing_is_no_result() -> None:
    one = Examined(0, "ok", "", None, 0.1, 0.2, 90.0)
    with pytest.raises(RuntimeError, match="of 2 files 1 were examined and 0 in hand"):
        figures([one], 2, 0, [])


def test_an_exception_in_a_thread_ends_the_parent_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(media_fuzz, "Examiner", fails)
    monkeypatch.setattr(media_fuzz, "real_seeds", lambda: iter(()))
    with pytest.raises(ValueError, match="a mistake of ours"):
        media_fuzz.examine_all([0, 1], 4, 1)
