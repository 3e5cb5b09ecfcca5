"""Let the teacher label the camera-days, the clips and every other picture, labelled or not.

    python models/train/pseudo_label.py --data ../shared/data --out /somewhere/pseudo.jsonl

One line a picture: where it is and what the four detectors saw (teachers.py), each box with its mass. It says nothing
about people, but for the dead of night (01 to 05 UTC, March) on the camera-days: there, where no detector saw anybody,
nobody was. A second start goes on where the first one stopped. Which cameras a training leaves out, it decides itself.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from rich.progress import track
from sources import ANNOTATED, eye_labels, read_clip, read_rgb
from teachers import PEDESTRIAN, VEHICLE, Teacher

DEAD_OF_NIGHT = ("01", "02", "03", "04")
OF_A_DAY, OF_A_CLIP = (90,), (20, 60, 100, 140, 180, 220)  # frame indices


def wanted(data: Path) -> Iterator[tuple[str, int]]:
    """Every picture to look at: its path below `data`, and the frame's index."""
    for name in ANNOTATED:
        for line in (data / "annotated" / name / "index.jsonl").read_text().splitlines():
            yield f"annotated/{name}/{json.loads(line)['image']}", 0
    for path, label in eye_labels(data):
        if path.parent != data / "labels":
            yield label["source"], label["frame_index"]
    for folder, indices in (("days/*", OF_A_DAY), ("clips", OF_A_CLIP)):
        for clip in sorted((data / "jamcam").glob(f"{folder}/*.mp4")):
            yield from ((clip.relative_to(data).as_posix(), index) for index in indices)


def is_dead_of_night(source: str) -> bool:
    return "days/" in source and source.rsplit("/", maxsplit=1)[-1][:2] in DEAD_OF_NIGHT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    done = {(row["source"], row["frame_index"]) for row in map(json.loads, lines)}
    teacher = Teacher(args.data / "weights", args.threads)
    left = [item for item in dict.fromkeys(wanted(args.data)) if item not in done]
    with args.out.open("a") as out:
        for source, index in track(left, "teacher"):
            path = args.data / source
            frame = read_clip(path, [index]).get(index) if path.suffix == ".mp4" else read_rgb(path)
            if frame is None:
                continue
            seen = teacher.look(frame)
            objects = [
                {
                    "class": s.name,
                    "bbox": [round(v, 1) for v in (s.left, s.top, s.width, s.height)],
                    "mass": round(s.mass, 2),
                }
                for s in seen
                if s.name == VEHICLE
            ]
            nobody = is_dead_of_night(source) and all(s.name != PEDESTRIAN for s in seen)
            row = {"source": source, "frame_index": index, "objects": objects, "nobody": nobody}
            out.write(json.dumps(row) + "\n")
            out.flush()
    print(f"{len(done) + len(left)} pictures: {args.out}")


if __name__ == "__main__":
    main()
