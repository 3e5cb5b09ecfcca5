"""A Frame stays in the memory of the process that decoded it: the ways out that Python can refuse raise.

Those that it cannot are `KNOWN_WAYS` in test_boundary.py, where the scan of the source holds them.
"""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import multiprocessing
import pickle
import shelve
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from pydantic_core import PydanticSerializationError

from core.errors import PixelLeak
from core.records import ClipReady, CountObservation, Reading
from ingest.clip import SampledClip
from ingest.frame import Frame


@pytest.fixture
def frame() -> Frame:
    return Frame(np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3), 0.0)


def pickles(name: str, of: Callable[[Frame], Any]) -> dict[str, Callable[[Frame], Any]]:
    protocols = range(pickle.HIGHEST_PROTOCOL + 1)
    return {f"{name}, pickle protocol {n}": lambda f, n=n: pickle.dumps(of(f), n) for n in protocols}  # type: ignore[misc]


WAYS_OUT: dict[str, Callable[[Frame], Any]] = {
    **pickles("frame", lambda f: f),
    **pickles("frame in a list", lambda f: [{"frame": f}]),
    **pickles("clip", lambda f: SampledClip((f,), 1.0, 1)),
    **pickles("pixels", lambda f: f.pixels),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "repr": repr,
    "str": str,
    "format": lambda f: f"{f}",
    "percent": lambda f: "%s" % f,  # noqa: UP031
    "bytes": bytes,
    "iterate": list,
    "numpy array": np.asarray,
    "numpy save": lambda f: np.save(io.BytesIO(), f),  # type: ignore[arg-type]
    "json with a default": lambda f: json.dumps(f, default=str),
    "pydantic json": lambda f: pydantic.TypeAdapter(Any).dump_json(f),
    "dataclass to dict": lambda f: dataclasses.asdict(SampledClip((f,), 1.0, 1)),
    "another process": multiprocessing.reduction.ForkingPickler.dumps,
    "pixels copied": lambda f: copy.copy(f.pixels),
    "pixels repr": lambda f: repr(f.pixels),
    "pixels in an f-string": lambda f: f"{f.pixels}",
    "pixels bytes": lambda f: bytes(f.pixels),
    "pixels tobytes": lambda f: f.pixels.tobytes(),
    "pixels tolist": lambda f: f.pixels.tolist(),
    "pixels tofile": lambda f: f.pixels.tofile(io.BytesIO()),
    "pixels dumps": lambda f: f.pixels.dumps(),
    "pixels numpy save": lambda f: np.save(io.BytesIO(), f.pixels),
    "pixels numpy savez": lambda f: np.savez(io.BytesIO(), f.pixels),
    "pixels numpy savetxt": lambda f: np.savetxt(io.StringIO(), f.pixels),
    "pixels as memory": lambda f: f.pixels.data,
    "pixels one by one": lambda f: list(f.pixels.flat),
    "pixels row by row": lambda f: list(f.pixels),
    "pixels' base": lambda f: f.pixels.base,
    "a part's base": lambda f: f.pixels[1:].base,
    "pixels as a plain array": lambda f: f.pixels.view(np.ndarray),
    "pixels as a plain array, asked of them": lambda f: f.pixels.__array__(),
    "pixels' address": lambda f: f.pixels.ctypes,
    "pixels' array interface": lambda f: f.pixels.__array_interface__,
    "pixels' array struct": lambda f: f.pixels.__array_struct__,
    "pixels by dlpack": lambda f: np.from_dlpack(f.pixels),
    "pixels stacked": lambda f: np.stack([f.pixels, f.pixels]).tobytes(),
    "pixels joined to others": lambda f: np.concatenate([np.zeros_like(f.pixels), f.pixels]).tobytes(),
    "pixels of a part": lambda f: pickle.dumps(f.pixels[1:3, ::2]),
    "pixels turned to floats": lambda f: pickle.dumps(f.pixels.astype(np.float32)),
    "pixels json": lambda f: json.dumps({"p": f.pixels}, default=lambda a: a.tolist()),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_way_out(frame: Frame, way: str) -> None:
    with pytest.raises((PixelLeak, PydanticSerializationError)):
        WAYS_OUT[way](frame)


def test_no_buffer_to_write(frame: Frame, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as file, pytest.raises((PixelLeak, TypeError)):
        file.write(frame)  # type: ignore[arg-type]
    assert (tmp_path / "out").read_bytes() == b""


def test_json_knows_no_frame(frame: Frame) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(frame)


def test_a_shelf_takes_no_frame(frame: Frame, tmp_path: Path) -> None:
    with shelve.open(str(tmp_path / "shelf")) as shelf, pytest.raises(PixelLeak):
        shelf["frame"] = frame


def test_a_log_line_takes_no_frame(frame: Frame) -> None:
    stream = io.StringIO()
    logger = logging.getLogger("tests.privacy")
    handler = logging.StreamHandler(stream)
    handler.handleError = lambda record: (_ for _ in ()).throw(PixelLeak("refused"))  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.propagate = False
    try:
        with pytest.raises(PixelLeak):
            logger.warning("frame %s", frame)
    finally:
        logger.removeHandler(handler)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("record", [ClipReady, CountObservation, Reading])
def test_no_record_has_room_for_pixels(record: type[pydantic.BaseModel], frame: Frame) -> None:
    """No field of a travelling record can hold bytes, arrays, lists or anything unbounded."""
    schema = record.model_json_schema()
    assert schema["additionalProperties"] is False
    with pytest.raises((pydantic.ValidationError, PixelLeak)):
        record(**dict.fromkeys(record.model_fields, frame))
    for name, field in schema["properties"].items():
        text = json.dumps(field)
        assert '"array"' not in text, f"{record.__name__}.{name} could hold a list"
        assert '"binary"' not in text, f"{record.__name__}.{name} could hold bytes"
        bounded = all(
            "maxLength" in option or "format" in option or "pattern" in option or option.get("type") != "string"
            for option in field.get("anyOf", [field])
        )
        assert bounded or name == "series", f"{record.__name__}.{name} is an unbounded string"


def test_one_pixel_can_be_unpacked(frame: Frame) -> None:
    red, green, blue = frame.pixels[0, 1]
    assert (red, green, blue) == (3, 4, 5)


def test_the_pixels_cannot_be_written_to(frame: Frame) -> None:
    with pytest.raises(ValueError, match="read-only"):
        frame.pixels[0, 0, 0] = 1


def test_a_frame_is_rgb_bytes() -> None:
    with pytest.raises(ValueError, match=r"uint8 \[height, width, 3\]"):
        Frame(np.zeros((4, 4)), 0.0)  # type: ignore[arg-type]
