"""Fine-tune a YOLO on the data that our own network is trained on, by Ultralytics' own trainer.

    python models/train/finetune_yolo.py yolo11n.pt --data ../shared/data --out /tmp/train/yolo
    python models/train/finetune_yolo.py yolo11n.yaml --data ../shared/data --out /tmp/train/yolo     # from nothing

Needs the extra `[ultralytics]` (AGPL-3.0, and so is what it makes: such weights are not shipped). A `.yaml` is
Ultralytics' description of a network; a name that is not on the disk is fetched by Ultralytics, where there is
internet. The same command goes on after a stop. It uses a GPU where there is one, shows Ultralytics' own progress, and
ends with `best.pt` and `best.onnx` and how to evaluate them. The pictures are written as a YOLO data set under --out
and removed at the end.

A detector takes silence for absence, so only what is labelled throughout is used: pictures that label nobody, or only
some objects, are left out, and those that label only what is below a line are cut off there. Where a label leaves the
class open it is taken for the usual one: car for car or van and for any vehicle, truck for van or truck. Validation is
on the frames of `labels/` of the held-out cameras.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from contract import CLASSES
from numpy.typing import NDArray
from sources import ANY_VEHICLE, CAR_OR_VAN, FOLDS, VAN_OR_TRUCK, Known, Picture, load_training, load_validation

LABEL_OF = {
    **{index: index for index in range(len(CLASSES))},
    CAR_OR_VAN: CLASSES.index("car"),
    VAN_OR_TRUCK: CLASSES.index("truck"),
    ANY_VEHICLE: CLASSES.index("car"),
}
LEAST_HEIGHT_PX = 64
"""What is left of a picture below its line must be at least this high to be worth learning from."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", help="YOLO weights (.pt), or a description of a network (.yaml)")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder outside the repository")
    parser.add_argument("--fold", choices=[name for name, cameras in FOLDS.items() if cameras], default="first")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--batch", type=int, default=16)
    args = parser.parse_args()

    held_out = FOLDS[args.fold]
    training = [picture for group in load_training(args.data, held_out).values() for picture in group]
    made = finetune(
        args.weights, training, load_validation(args.data, held_out), args.out, args.epochs, args.imgsz, args.batch
    )
    print(f"weights: {made} and {made.with_suffix('.onnx')}, trained without the cameras {', '.join(held_out)}")
    print("evaluate them on those cameras:")
    for file in (made, made.with_suffix(".onnx")):
        print(f"    busyness evaluate {args.data}/labels --cameras {','.join(held_out)} --model ultralytics:{file}")


def finetune(
    weights: str,
    training: Iterable[Picture],
    validation: Iterable[Picture],
    out: Path,
    epochs: int,
    imgsz: int,
    batch: int,
) -> Path:
    """The best weights of the run in `out`, exported as ONNX beside them. Goes on with a run that was stopped."""
    yolo = quiet_yolo(offline=Path(weights).is_file() or weights.endswith(".yaml"))
    dataset, run = (out / "dataset").absolute(), (out / "run").absolute()
    best, last = run / "weights" / "best.pt", run / "weights" / "last.pt"
    # The data set is removed when a run has ended, so one that is there beside a checkpoint belongs to a stopped run.
    if best.is_file() and not dataset.exists():
        raise SystemExit(f"{best} is finished: evaluate it, or give another --out")
    resumed = last.is_file()
    described = write_dataset(training, validation, dataset)
    if resumed:
        yolo(last).train(resume=True)
    else:
        yolo(weights, task="detect").train(
            data=str(described), epochs=epochs, imgsz=imgsz, batch=batch, project=str(out.absolute()), name="run",
            exist_ok=True, plots=False, workers=min(4, os.cpu_count() or 1),
        )  # fmt: skip
    shutil.rmtree(dataset)
    yolo(best).export(format="onnx", imgsz=imgsz, simplify=False)
    return best


def quiet_yolo(offline: bool) -> Any:
    """Ultralytics' `YOLO`, kept from installing packages, from reporting usage and, where it can, from the network."""
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
    if offline:
        os.environ.setdefault("YOLO_OFFLINE", "true")
    from ultralytics import SETTINGS, YOLO

    dict.__setitem__(SETTINGS, "sync", False)  # in memory: the setting's own writer would rewrite the user's file
    return YOLO


def write_dataset(training: Iterable[Picture], validation: Iterable[Picture], folder: Path) -> Path:
    """A YOLO data set in `folder`: `images/` and `labels/` of `train` and `val`. Returns its description."""
    shutil.rmtree(folder, ignore_errors=True)
    for split, pictures in (("train", training), ("val", validation)):
        written = 0
        for picture in pictures:
            seen = labelled_throughout(picture)
            if seen is not None:
                write_example(*seen, picture.kinds, folder, split, f"{picture.origin}-{written:05d}")
                written += 1
        if not written:
            raise SystemExit(f"no picture to {split} with is labelled throughout")
    names = "\n".join(f"  {index}: {name}" for index, name in enumerate(CLASSES))
    described = folder / "dataset.yaml"
    described.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames:\n{names}\n")
    return described


def labelled_throughout(picture: Picture) -> tuple[NDArray[np.uint8], NDArray[np.float32]] | None:
    """The part of the picture in which everything is labelled, and its boxes there [n, 4]; None where there is none."""
    frame, boxes = picture.frames[0], picture.boxes_px
    known = {picture.people, picture.vehicles}
    if not known <= {Known.ALL, Known.BELOW}:
        return None
    if Known.BELOW not in known:
        return frame, boxes
    if not len(boxes):
        return None
    top = max(0, int(np.floor((boxes[:, 1] - boxes[:, 3] / 2).min())))
    if frame.shape[0] - top < LEAST_HEIGHT_PX:
        return None
    return frame[top:], boxes - np.array([0, top, 0, 0], np.float32)


def write_example(
    frame: NDArray[np.uint8],
    boxes_px: NDArray[np.float32],
    kinds: NDArray[np.int64],
    folder: Path,
    split: str,
    name: str,
) -> None:
    """One picture, and its boxes as Ultralytics reads them: label, centre and size in shares of the picture."""
    height, width = frame.shape[:2]
    left_top = np.clip(boxes_px[:, :2] - boxes_px[:, 2:] / 2, 0, (width, height))
    right_bottom = np.clip(boxes_px[:, :2] + boxes_px[:, 2:] / 2, 0, (width, height))
    shares = np.hstack([(left_top + right_bottom) / 2, right_bottom - left_top]) / ((width, height) * 2)
    lines = [
        f"{LABEL_OF[int(kind)]} " + " ".join(f"{share:.6f}" for share in row)
        for kind, row in zip(kinds, shares, strict=True)
        if row[2:].min() > 0
    ]
    image, label = folder / "images" / split / f"{name}.png", folder / "labels" / split / f"{name}.txt"
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), frame[:, :, ::-1])
    label.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
