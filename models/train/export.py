r"""Write the averaged weights of a checkpoint as ONNX, check them, and put their hash into the manifest.

    python models/train/export.py --checkpoint /somewhere/last.pt --name lowres-3 --sure /somewhere/sure.json

The exported file is compared with the PyTorch network on random frames, and batches of one and of three must agree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import onnx
import torch
from contract import CLASSES, HEIGHT_PX, STRIDE_PX, WIDTH_PX
from network import CountingNetwork
from sources import FOLDS
from sure import read_doubt, trained

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before it is loaded

import onnxruntime

OPSET = 17
MODELS = Path(__file__).resolve().parents[1]
CONTACT_M = {"people": 0.25, "vehicles": 0.0}
"""How far above the ground the density lies, measured on the synthetic street: it follows from compose.LOWER_BODY."""


def write_onnx(network: CountingNetwork, path: Path) -> None:
    example = torch.rand(1, 3, HEIGHT_PX, WIDTH_PX)
    torch.onnx.export(
        network, (example,), str(path), input_names=["frames"], output_names=["density"], opset_version=OPSET,
        dynamic_axes={"frames": {0: "n"}, "density": {0: "n"}}, dynamo=False,
    )  # fmt: skip
    onnx.checker.check_model(onnx.load(str(path)))


def check(network: CountingNetwork, path: Path) -> float:
    """Largest difference of a cell between PyTorch and ONNX Runtime."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    frames = np.random.default_rng(0).random((3, 3, HEIGHT_PX, WIDTH_PX), np.float32)
    together = session.run(["density"], {"frames": frames})[0]
    alone = np.concatenate([session.run(["density"], {"frames": frames[i : i + 1]})[0] for i in range(3)])
    with torch.no_grad():
        theirs = network(torch.from_numpy(frames)).numpy()
    if not np.allclose(together, alone, atol=1e-4):
        raise AssertionError("the exported network depends on the batch it is in")
    return float(np.abs(together - theirs).max())


def manifest_entry(name: str, path: Path, trained: list[str], fold: str) -> dict:
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {"name": "frames", "width": WIDTH_PX, "height": HEIGHT_PX, "colour": "RGB", "scale": "0..1"},
        "output": {"name": "density", "stride": STRIDE_PX},
        "classes": list(CLASSES),
        "licence": "Apache-2.0",
        "trained_cameras": trained,
        "held_out_cameras": sorted(FOLDS[fold]),
        "card": f"{name.removesuffix(f'-{fold}')}.md",
        "contact_m": CONTACT_M,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--name", default="lowres-3")
    parser.add_argument("--fold", choices=FOLDS, default="none", help="the fold it was trained for")
    parser.add_argument("--sure", type=Path, help="what sure.py chose; without it every doubt counts")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of the weights and their manifest")
    args = parser.parse_args()
    saved = torch.load(args.checkpoint, weights_only=True, map_location="cpu")
    network = trained(args.checkpoint, read_doubt(args.sure, args.fold))
    path = args.models / f"{args.name}.onnx"
    fresh = path.with_suffix(".onnx.new")
    write_onnx(network, fresh)
    difference = check(network, fresh)
    fresh.replace(path)
    manifest_path = args.models / "manifest.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {"models": {}}
    manifest["models"][args.name] = manifest_entry(args.name, path, saved["cameras"], args.fold)
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n")
    size_mb = path.stat().st_size / 1e6
    print(f"{path}: step {saved['step']}, {size_mb:.1f} MB, off PyTorch by at most {difference:.1e} a cell")


if __name__ == "__main__":
    main()
