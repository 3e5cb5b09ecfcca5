"""Let the teacher label frames of JamCam clips that nobody labelled.

    python models/train/pseudo_label.py --data ../shared/data --out /somewhere/pseudo.jsonl

One frame of every clip of the days, a few of the longer clips; never of a held-out camera. What the teacher saw goes to
`OUT.raw` (a second start goes on there); `OUT` is the part worth believing:

- a faint large box, or one as large as a tile, is the teacher's answer to an empty street, and is dropped;
- a vehicle seen again and again in one place where no eye ever labelled one is scaffolding or a signal, and is dropped;
- vehicles count as labelled. People only where the teacher saw one, as it misses most, except in the dead of night
  (01 to 05 UTC, March): there its silence is believed, give or take two.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from rich.progress import track
from sources import FIRST_FOLD, camera_of, read_clip
from teachers import Box, Crossroad, iou

VEHICLE_FLOOR, PERSON_FLOOR = 0.22, 0.35
FAINT, LARGE_PX2, TILE_LIKE_PX2 = 0.5, 0.12 * 352 * 288, 0.17 * 352 * 288
OFTEN = 0.15  # of a camera's frames
DEAD_OF_NIGHT = ("01", "02", "03", "04")


def as_box(item: dict) -> Box:
    return Box(item["class"], item["confidence"], *item["bbox"])


def eye_boxes(data: Path) -> dict[str, list[Box]]:
    """Vehicles labelled by eye, by camera."""
    boxes = defaultdict(list)
    for path in sorted((data / "labels_train").glob("*.json")):
        label = json.loads(path.read_text())
        for item in label["objects"]:
            if item["class"] not in ("pedestrian", "cyclist"):
                left, top = item["x"] - item["w"] / 2, item["y"] - item["h"] / 2
                boxes[label["camera"]].append(Box("vehicle", 1.0, left, top, item["w"], item["h"]))
    return boxes


def believable(rows: list[dict], eyes: dict[str, list[Box]]) -> list[dict]:
    by_camera = defaultdict(list)
    for row in rows:
        by_camera[camera_of(row["source"])].append(row)
    kept_rows = []
    for camera, mine in by_camera.items():
        seen = [[as_box(item) for item in row["objects"] if item["class"] == "vehicle"] for row in mine]
        for row, vehicles in zip(mine, seen, strict=True):
            kept = [item for item in row["objects"] if item["class"] == "pedestrian"]
            for item, box in zip((i for i in row["objects"] if i["class"] == "vehicle"), vehicles, strict=True):
                area_px2 = box.width * box.height
                if area_px2 > TILE_LIKE_PX2 or (box.confidence < FAINT and area_px2 > LARGE_PX2):
                    continue
                again = sum(any(iou(box, other) > 0.5 for other in frame) for frame in seen)
                confirmed = any(iou(box, eye) > 0.4 for eye in eyes[camera])
                if eyes[camera] and again > OFTEN * len(mine) and len(mine) > 20 and not confirmed:
                    continue
                kept.append(item)
            name = row["source"].rsplit("/", maxsplit=1)[-1]
            silent = all(item["class"] == "vehicle" for item in kept)
            nobody = "days/" in row["source"] and name[:2] in DEAD_OF_NIGHT and silent
            kept_rows.append({**row, "objects": kept, "nobody": nobody})
    return kept_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    clips = sorted((args.data / "jamcam").glob("days/*/*.mp4")) + sorted((args.data / "jamcam" / "clips").glob("*.mp4"))
    wanted = []
    for clip in clips:
        source = clip.relative_to(args.data).as_posix()
        if camera_of(source) not in ("", *FIRST_FOLD):
            wanted += [(source, index) for index in ((90,) if "days/" in source else (60, 110, 160))]
    raw = args.out.with_name(args.out.name + ".raw")
    rows = [json.loads(line) for line in raw.read_text().splitlines()] if raw.exists() else []
    done = {(row["source"], row["frame_index"]) for row in rows}
    teacher = Crossroad(args.data / "weights", args.threads)
    with raw.open("a") as out:
        for source, index in track([w for w in wanted if w not in done], "teacher"):
            frame = read_clip(args.data / source, [index]).get(index)
            if frame is None:
                continue
            boxes = []
            for b in teacher.look_closely(frame, VEHICLE_FLOOR):
                if b.name == "vehicle" or b.confidence >= PERSON_FLOOR:
                    bbox = [round(float(side), 1) for side in (b.left, b.top, b.width, b.height)]
                    boxes.append({"class": b.name, "bbox": bbox, "confidence": round(b.confidence, 3)})
            rows.append({"source": source, "frame_index": index, "objects": boxes})
            out.write(json.dumps(rows[-1]) + "\n")
    kept = believable(rows, eye_boxes(args.data))
    args.out.write_text("".join(json.dumps(row) + "\n" for row in kept))
    count = [sum(len(row["objects"]) for row in some) for some in (rows, kept)]
    print(f"{len(kept)} frames, {count[0]} boxes seen, {count[1]} believed: {args.out}")


if __name__ == "__main__":
    main()
