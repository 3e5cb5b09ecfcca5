"""YOLO11n with random weights as ONNX, for timing: `python yolo11n.py FILE.onnx`, in the environment of Ultralytics.

Made from Ultralytics' own description of the network, so nothing is downloaded. Ultralytics is AGPL-3.0: it stays in
its environment (`make test-ultralytics` makes the same one), and what it made is only timed, never shipped.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")

from ultralytics import YOLO

HEIGHT_PX, WIDTH_PX = 288, 352


def main() -> None:
    out = Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)  # Ultralytics writes beside where it stands
        made = YOLO("yolo11n.yaml").export(format="onnx", imgsz=(HEIGHT_PX, WIDTH_PX), simplify=False, verbose=False)
        out.write_bytes(Path(made).read_bytes())
    print(f"{out}: YOLO11n, {HEIGHT_PX} x {WIDTH_PX}, random weights")


if __name__ == "__main__":
    main()
