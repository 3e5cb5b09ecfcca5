"""An int8 copy of a network of `models/`, and what it gains and loses: `NAME-int8.onnx` beside a report.

    python models/train/quantise.py models/lowres-2.onnx --data ../shared/data --out /tmp/train/int8

Static quantisation by ONNX Runtime: weights a channel, activations a tensor, ranges from frames of real clips. What
comes after the last layer with weights, and that layer, stay in float: it makes the logarithms and shares of counts
out of few bits otherwise. Calibration and comparison use different clips; the comparison is of counts a frame against
the float network, not against labels: `busyness evaluate` says whether the error of counting grew. The out folder
gets a manifest, so that `busyness evaluate ../shared/data/labels --model OUT/NAME-int8.onnx` works on it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before ONNX Runtime is loaded

import numpy as np
import onnx
import onnxruntime
from contract import CLASSES, PEOPLE, VEHICLES
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sources import camera_of, read_clip

INPUT, OUTPUT = "frames", "density"
TIMED_ROUNDS = 60
SAMPLED_AT = (30, 120, 210)  # frames of a clip's 250

Planes = NDArray[np.float32]
"""One frame as the network takes it: [1, 3, height, width], RGB 0..1."""


@dataclass(frozen=True)
class Difference:
    """Counts a frame of the int8 network less those of the float one."""

    mean: float
    mean_absolute: float
    largest: float


class Clips(CalibrationDataReader):
    """Frames one by one, as the calibration asks for them."""

    def __init__(self, frames: list[Planes]) -> None:
        self._frames = iter(frames)

    def get_next(self) -> dict[str, Planes] | None:
        frame = next(self._frames, None)
        return None if frame is None else {INPUT: frame}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path, help="an .onnx file; its manifest is the one beside it")
    parser.add_argument("--data", type=Path, required=True, help="the folder with jamcam/")
    parser.add_argument("--out", type=Path, required=True, help="a folder outside the repository")
    parser.add_argument("--clips", type=int, default=32, help="for calibration, and as many others for comparison")
    parser.add_argument("--method", choices=("minmax", "percentile", "entropy"), default="minmax")
    args = parser.parse_args()

    calibration, comparison = frames_of(args.data, args.clips)
    args.out.mkdir(parents=True, exist_ok=True)
    made = args.out / f"{args.network.stem}-int8.onnx"
    quantise(args.network, made, calibration, args.method)
    write_manifest(args.network, made)
    exact, coarse = session(args.network), session(made)
    counts = [np.concatenate([counted(one, frame) for frame in comparison]) for one in (exact, coarse)]
    exact_ms, coarse_ms = timed(exact, coarse, comparison[0])
    report = {
        "network": args.network.name,
        "int8": made.name,
        "megabytes": round(args.network.stat().st_size / 1e6, 2),
        "int8_megabytes": round(made.stat().st_size / 1e6, 2),
        "ms_per_frame": round(exact_ms, 2),
        "int8_ms_per_frame": round(coarse_ms, 2),
        "frames": len(comparison),
        "people": vars(difference(*counts, PEOPLE)),
        "vehicles": vars(difference(*counts, VEHICLES)),
        "counted": {
            name: round(float(counts[0][:, part].sum(axis=1).mean()), 3)
            for name, part in (("people", PEOPLE), ("vehicles", VEHICLES))
        },
    }
    made.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def frames_of(data: Path, clips: int) -> tuple[list[Planes], list[Planes]]:
    """Frames to calibrate with and others to compare on, from clips spread over the days of all cameras."""
    days = sorted((data / "jamcam" / "days").rglob("*.mp4"), key=lambda path: (path.name, camera_of(str(path))))
    if len(days) < 2 * clips:
        raise SystemExit(f"{data}/jamcam/days holds {len(days)} clips, {2 * clips} are needed: give fewer --clips")
    chosen = [days[(2 * index + 1) * len(days) // (4 * clips)] for index in range(2 * clips)]
    return tuple([planes for clip in chosen[turn::2] for planes in planes_of(clip)] for turn in (0, 1))


def planes_of(clip: Path) -> Iterator[Planes]:
    for rgb in read_clip(clip, SAMPLED_AT).values():
        yield (rgb.transpose(2, 0, 1)[np.newaxis] / 255).astype(np.float32)


def quantise(network: Path, made: Path, calibration: list[Planes], method: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(network, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            made,
            Clips(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=head_of(prepared),
            calibrate_method={
                "minmax": CalibrationMethod.MinMax,
                "percentile": CalibrationMethod.Percentile,
                "entropy": CalibrationMethod.Entropy,
            }[method],
        )


def head_of(network: Path) -> list[str]:
    """The names of the last convolution and of everything after it, in the order of execution."""
    nodes = onnx.load(network).graph.node
    last = max(index for index, node in enumerate(nodes) if node.op_type == "Conv")
    return [node.name for node in nodes[last:]]


def write_manifest(network: Path, made: Path) -> None:
    beside = network.parent / "manifest.json"
    entries = json.loads(beside.read_text())["models"] if beside.is_file() else {}
    entry = next((entry for entry in entries.values() if entry["file"] == network.name), {"classes": list(CLASSES)})
    entry = {**entry, "file": made.name, "sha256": hashlib.sha256(made.read_bytes()).hexdigest()}
    (made.parent / "manifest.json").write_text(json.dumps({"models": {made.stem: entry}}, indent=2) + "\n")


def session(network: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])


def counted(network: onnxruntime.InferenceSession, frame: Planes) -> NDArray[np.float64]:
    """[1, class]."""
    return np.asarray(network.run([OUTPUT], {INPUT: frame})[0].sum(axis=(2, 3), dtype=np.float64))


def difference(exact: NDArray[np.float64], coarse: NDArray[np.float64], part: slice) -> Difference:
    off = (coarse[:, part] - exact[:, part]).sum(axis=1)
    return Difference(*(round(float(value), 3) for value in (off.mean(), np.abs(off).mean(), np.abs(off).max())))


def timed(
    first: onnxruntime.InferenceSession, second: onnxruntime.InferenceSession, frame: Planes
) -> tuple[float, float]:
    """Milliseconds of the processor that each takes on one thread, by turns, the least of many."""
    taken: list[tuple[float, float]] = []
    for _ in range(TIMED_ROUNDS):
        marks = [time.process_time()]
        for network in (first, second):
            counted(network, frame)
            marks.append(time.process_time())
        taken.append((marks[1] - marks[0], marks[2] - marks[1]))
    return min(one for one, _ in taken) * 1000, min(other for _, other in taken) * 1000


if __name__ == "__main__":
    main()
