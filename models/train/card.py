"""The tables of a network's card, in Markdown: every labelled frame counted by the sibling that never saw its camera.

python models/train/card.py --name lowres-3 --labels ../shared/data/labels
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from core.figures import CLASSES
from detect.evaluation import Errors, compare
from detect.evaluation.figures import Evaluation
from detect.onnx_density import Manifest
from detect.registry import MANIFEST, MODELS, open_model

GROUPS = ("people", "vehicles")


def evaluated(name: str, labels: Path) -> dict[str, Evaluation]:
    """By fold: the sibling of that fold on the cameras that it did not see."""
    entries = Manifest.read(MODELS / MANIFEST).models
    siblings = {key.removeprefix(f"{name}-"): entry for key, entry in entries.items() if key.startswith(f"{name}-")}
    return {
        fold: compare([open_model(f"{name}-{fold}")], labels, only=entry.held_out_cameras).evaluations[0]
        for fold, entry in siblings.items()
    }


def row(name: str, parts: Iterable[Errors]) -> str:
    every = list(parts)
    frames = sum(part.frames for part in every)
    cells = [name, str(frames)]
    for group in GROUPS:
        errors = [(part.frames, part.of(group)) for part in every]
        labelled, uncertain = (sum(getattr(e, field) for _, e in errors) for field in ("labelled", "uncertain"))
        bias = sum(n * e.bias for n, e in errors)
        told = "-" if not labelled else f"{bias / labelled:+.0%}"
        error = sum(n * e.error for n, e in errors) / frames
        cells += [f"{labelled} (+ {uncertain})", f"{error:.2f}", told]
    return f"| {' | '.join(cells)} |"


def errors_table(found: dict[str, Evaluation]) -> None:
    columns = [f"{g} labelled (+ uncertain) | {g} error a frame | bias" for g in GROUPS]
    print(f"| frames of cameras not seen | frames | {' | '.join(columns)} |\n|{'---|' * 8}")
    print(row("**all**", [e.overall for e in found.values()]))
    for light in sorted({light for e in found.values() for light in e.by_visibility}):
        print(row(light, [e.by_visibility[light] for e in found.values() if light in e.by_visibility]))
    for fold, evaluation in found.items():
        print(row(f"`-{fold}`", [evaluation.overall]))
        for camera, errors in evaluation.by_camera.items():
            print(row(f"camera {camera}", [errors]))


def found_by_size(found: dict[str, Evaluation]) -> None:
    for group in GROUPS:
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for evaluation in found.values():
            for height, share in evaluation.placement.of(group).by_height.items():
                sums[height][0] += share.labelled
                sums[height][1] += share.labelled * (share.found or 0.0)
        print(f"{group} found:", ", ".join(f"{h} {f / n:.0%} of {n:.0f}" for h, (n, f) in sums.items() if n))


def empty(found: dict[str, Evaluation]) -> None:
    for fold, evaluation in found.items():
        for group in GROUPS:
            phantoms = evaluation.placement.of(group).phantoms
            if phantoms.empty_frames:
                print(f"-{fold}: no {group} in {phantoms.empty_frames} frames: {phantoms.empty:.2f} counted a frame, "
                      f"{phantoms.empty_most:.1f} at most")  # fmt: skip


def classes_table(found: dict[str, Evaluation]) -> None:
    print("| class | labelled | counted | mean difference a frame |\n|---|---|---|---|")
    frames = sum(e.overall.frames for e in found.values())
    for name in CLASSES:
        errors = [(e.overall.frames, e.overall.classes[name]) for e in found.values()]
        labelled, counted = sum(e.labelled for _, e in errors), sum(e.counted for _, e in errors)
        print(f"| {name} | {labelled} | {counted:.0f} | {sum(n * e.mae for n, e in errors) / frames:.2f} |")
    for group, members in (("people", CLASSES[:2]), ("vehicles", CLASSES[2:])):
        print(f"\n| labelled, of what was counted near | {' | '.join(members)} |\n|{'---|' * (len(members) + 1)}")
        for name in members:
            near = [
                sum(e.placement.of(group).confusion.counted.get(name, {}).get(other, 0.0) for e in found.values())
                for other in members
            ]
            total = sum(near) or 1.0
            print(f"| {name} | {' | '.join(f'{value / total:.0%}' for value in near)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="lowres-3")
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/labels"))
    args = parser.parse_args()
    found = evaluated(args.name, args.labels)
    errors_table(found)
    print()
    found_by_size(found)
    print()
    empty(found)
    print()
    classes_table(found)


if __name__ == "__main__":
    main()
