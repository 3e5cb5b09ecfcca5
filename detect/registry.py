"""From what an operator writes to a counting model.

    lowres-2                      a model of models/manifest.json
    path/to/network.onnx          a density network beside its manifest.json
    ultralytics:yolo11n.pt        YOLO weights by path or by name (extra)
    openvino:path/to/network.xml  a person-vehicle-bike detector (extra)
    yolox:path/to/yolox.onnx      YOLOX of COCO

A box detector takes the scores from which it counts: `yolox:path/to/yolox.onnx?people=0.1&vehicles=0.12`. A density
network takes its runtime: `lowres-2?runtime=openvino` (extra), or `?runtime=auto` for whichever is faster here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl

from core.errors import ModelError
from detect.boxes import Thresholds
from detect.density_runtime import DEFAULT
from detect.model import CountingModel
from detect.onnx_density import Manifest, OnnxDensity
from detect.onnx_file import read_onnx
from detect.openvino_boxes import OpenVinoBoxes
from detect.ultralytics_boxes import UltralyticsBoxes
from detect.yolox_boxes import YoloxBoxes

MODELS = Path(__file__).resolve().parent.parent / "models"
MANIFEST = "manifest.json"


class _BoxModel(Protocol):
    def __call__(self, weights: str, /, *, thresholds: Thresholds = ..., threads: int = ...) -> CountingModel: ...


_BOX_MODELS: dict[str, _BoxModel] = {
    "ultralytics": UltralyticsBoxes,
    "openvino": OpenVinoBoxes,
    "yolox": YoloxBoxes,
}


def open_model(spec: str, threads: int = 1) -> CountingModel:
    """The model of `spec`, its runtime held to `threads` threads.

    Raises `ModelError` for an unknown or changed model, `MissingExtra` where its runtime is not installed.
    """
    kind, colon, rest = spec.partition(":")
    if colon and kind in _BOX_MODELS:
        weights, _, query = rest.partition("?")
        if not weights:
            raise ModelError(f"the model {spec!r} names no weights", remedy=f"say {kind}:WEIGHTS")
        if not query:
            return _BOX_MODELS[kind](weights, threads=threads)
        return _BOX_MODELS[kind](weights, thresholds=_thresholds(spec, query), threads=threads)
    network, _, query = spec.partition("?")
    runtime = _runtime(spec, query) if query else DEFAULT
    if Path(network).suffix or "/" in network:
        return _beside_manifest(Path(network), threads, runtime)
    return _of_manifest(network, threads, runtime)


def _thresholds(spec: str, query: str) -> Thresholds:
    given = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if set(given) != {"people", "vehicles"}:
            raise ValueError(f"got {', '.join(given) or 'nothing'}")
        return Thresholds(people=float(given["people"]), vehicles=float(given["vehicles"]))
    except ValueError as error:
        raise ModelError(f"the model {spec!r}: {error}", remedy="end it as in ?people=0.1&vehicles=0.12") from error


def _runtime(spec: str, query: str) -> str:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if set(given) != {"runtime"}:
        raise ModelError(
            f"the model {spec!r}: got {', '.join(given) or query}", remedy="end it as in ?runtime=openvino"
        )
    return given["runtime"]


def _of_manifest(name: str, threads: int, runtime: str) -> CountingModel:
    manifest = Manifest.read(MODELS / MANIFEST)
    entry = manifest.models.get(name)
    if entry is None:
        kinds = ", ".join(f"{kind}:WEIGHTS" for kind in _BOX_MODELS)
        raise ModelError(
            f"there is no model {name!r}",
            remedy=f"say one of {', '.join(manifest.models)}, the path of an .onnx file, or {kinds}",
        )
    return OnnxDensity(MODELS / entry.file, name, entry, threads, runtime)


def _beside_manifest(path: Path, threads: int, runtime: str) -> CountingModel:
    read_onnx(path)  # a pickle or a missing file is refused for what it is, before its manifest is asked for
    manifest = Manifest.read(path.parent / MANIFEST)
    for name, entry in manifest.models.items():
        if entry.file == path.name:
            return OnnxDensity(path, name, entry, threads, runtime)
    raise ModelError(
        f"{path.parent / MANIFEST} does not name {path.name}",
        remedy="add it with its sha256, or say yolox:PATH or ultralytics:PATH for a box detector",
    )
