"""What decodes a clip is a process of its own, and all that leaves it is a closed record of figures.

What that process is refused is tried in tests/ingest/test_jail.py, what of its answers is not believed in
tests/busyness/test_jailed_counter.py.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busyness.jailed_counter import JailedCounter
from busyness.worker_jobs import WorkerSetup
from core.clock import SystemClock
from core.records import Camera, ClipReady, Status
from detect.scene import ClipReport, Scene
from ingest.file_reader import FileReader
from ingest.jail.process import Jail
from tests.privacy.test_canary import fingerprints, leaks, street_with_canary

ROOT = Path(__file__).resolve().parents[2]


def test_no_pixel_leaves_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A recognisable pattern is counted, and searched for in every byte that the worker gave."""
    clip = tmp_path / "canary.mp4"
    street_with_canary(clip)
    answers: list[bytes] = []
    ask = Jail.ask

    def listening(jail: Jail, said: bytes, media: bytes = b"") -> bytes:
        answers.append(ask(jail, said, media))
        return answers[-1]

    monkeypatch.setattr(Jail, "ask", listening)
    setup = WorkerSetup(model="lowres-2")
    counter = JailedCounter(setup, FileReader(setup.limits.max_bytes), SystemClock())
    camera = Camera(id="00001", name="canary street", lat=51.5, lon=-0.1)
    reference = ClipReady(camera=camera.id, event_time=datetime(2017, 3, 9, tzinfo=UTC), location=str(clip))
    try:
        report = counter.report(camera, reference, Scene())
        if sys.platform == "linux":
            status = Path(f"/proc/{counter.pid}/status").read_text(encoding="ascii")
            assert "Threads:\t1\n" in status, "nothing counts in the background, nor tells anyone (ONNX Runtime would)"
    finally:
        counter.close()
    assert report.observations[0].status is Status.OK, "the canary must really be counted"
    assert report.sight is not None, "and its view looked at"
    runs = fingerprints(clip, setup.frames_per_clip)
    assert len(runs) >= 20, "the canary must survive the video codec"
    (answer,) = answers
    assert ClipReport.model_validate_json(answer) == report
    assert not leaks(answer, runs)
    assert len(answer) < 16_384, "figures, a signature and a fingerprint: a frame has 300,000 bytes"
    printed = capfd.readouterr()
    assert not leaks((printed.out + printed.err).encode(), runs)


def test_two_programs_alone_answer_from_within_the_jail() -> None:
    """No other module of ours uses the child's end of the pipe: what counts, and what calibrates."""
    users = set()
    for room in ("core", "ingest", "detect", "aggregate", "api", "busyness"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "ingest.jail.inside":
                    users |= {(path.relative_to(ROOT).as_posix(), alias.name) for alias in node.names}
    assert {place for place, name in users if name == "Cell"} == {
        "busyness/calibration_worker.py",
        "busyness/counting_worker.py",
    }


def test_the_parent_gives_bytes_on_and_looks_into_none() -> None:
    """The modules between the network and the worker import nothing that could make a picture of a clip's bytes."""
    able = {"cv2", "numpy", "ingest.decode", "ingest.frame", "ingest.header", "PIL"}
    for place in (
        "busyness/jailed_counter.py",
        "busyness/backgrounds.py",
        "ingest/file_reader.py",
        "ingest/jail/process.py",
    ):
        tree = ast.parse((ROOT / place).read_text(encoding="utf-8"))
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not imported & able, place


def test_the_process_that_fetches_stores_and_answers_has_no_decoder() -> None:
    """Nor a model runtime: what is not loaded cannot make a picture of the bytes that pass through."""
    program = (
        "import sys, busyness.cameras, busyness.counting, busyness.replaying, busyness.serving;"
        "print(*sorted({'cv2', 'onnxruntime', 'openvino'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.split() == []
