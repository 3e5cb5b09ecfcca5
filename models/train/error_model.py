"""Fit the error model of a counting network and write it into the manifest, bound to the hash of its weights.

    python models/train/error_model.py count --model lowres-2 --labels ../shared/data/labels --footage ../shared/data \
        --cameras 01251 06592 06710 07450 08750 --out /tmp/counts.jsonl
    python models/train/error_model.py fit /tmp/counts.jsonl [--name lowres-2] [--dry-run]

`fit` reads JSON lines {"id", "camera", "lighting", "people", "vehicles", "labelled_people", "uncertain_people",
"labelled_vehicles", "uncertain_vehicles"} of counts by networks that never saw the camera (one fold a network, folds
together), fits gain and spread for people and vehicles by day and by night, writes them as `errors` of the model's
entry in manifest.json, and prints how often the 90 % interval is right on cameras that were left out of the fit.

`count` makes such lines with one model; the light is measured from the picture, as it is when counting. It refuses
cameras that the model was trained on: their errors are smaller than those of any other camera.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from core.errors import BusynessError, SourceError
from detect.error_fit import (
    GROUPS,
    Coverage,
    ValidationCount,
    coverage_on_unseen_cameras,
    fit_error_model,
)
from detect.error_model import group_counts
from detect.labels import of_cameras, picture_of, read_labels
from detect.lighting import lighting_of
from detect.registry import open_model

MODELS = Path(__file__).resolve().parents[1]


def read_counts(path: Path) -> list[ValidationCount]:
    """Raises `SourceError` that names the line of a count that is none, or is given twice."""
    counts: list[ValidationCount] = []
    line_of: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            count = ValidationCount.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise SourceError(f"{path}, line {number}: {where}: {first['msg']}", remedy="see --help") from error
        if line_of.setdefault(count.id, number) != number:
            raise SourceError(f"{path}, line {number}: {count.id} stands in line {line_of[count.id]} too")
        counts.append(count)
    return counts


def count_labels(
    spec: str, labels: Path, footage: Path | None, cameras: list[str], *, threads: int = 2
) -> list[ValidationCount]:
    """Count every labelled frame of `cameras` (all where it is empty) with one model."""
    model = open_model(spec, threads=threads)
    frames = of_cameras(read_labels(labels), only=cameras)
    seen = sorted({label.camera for label in frames} & set(getattr(model, "trained_cameras", None) or ()))
    if seen:
        raise SourceError(
            f"{model.name} was trained on camera {', '.join(seen)}", remedy="leave them out: name others with --cameras"
        )
    counts = []
    for label in frames:
        frame = picture_of(label, labels, footage)
        people, vehicles = group_counts(model.density([frame])[0].sum(axis=(1, 2), dtype=float))
        labelled_people, labelled_vehicles = group_counts(label.counts())
        counts.append(
            ValidationCount(
                id=label.id,
                camera=label.camera,
                lighting=lighting_of([frame]),
                people=round(people, 3),
                vehicles=round(vehicles, 3),
                labelled_people=int(labelled_people),
                uncertain_people=label.uncertain_pedestrians,
                labelled_vehicles=int(labelled_vehicles),
                uncertain_vehicles=label.uncertain_vehicles,
            )
        )
    return counts


def write_errors(manifest_path: Path, name: str, counts: list[ValidationCount]) -> None:
    """Fit, and put the error model beside the hash of the weights it speaks of. Raises `SourceError`."""
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    if name not in manifest["models"]:
        raise SourceError(
            f"{manifest_path} has no model {name!r}", remedy=f"say one of {', '.join(manifest['models'])}"
        )
    entry = manifest["models"][name]
    errors = fit_error_model(entry["sha256"], counts)
    if errors.day is None and errors.night is None:
        raise SourceError(f"{len(counts)} counts are too few to fit anything", remedy="count more frames and cameras")
    entry["errors"] = errors.model_dump(mode="json", exclude_none=True)
    fresh = manifest_path.with_suffix(".json.new")
    fresh.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    fresh.replace(manifest_path)


def report(counts: list[ValidationCount]) -> None:
    """What was fitted, and how often it is right on cameras left out of the fit: a table."""
    errors = fit_error_model("0" * 64, counts)
    print(f"{len(counts)} frames of {len({count.camera for count in counts})} cameras")
    print(f"{'light':<8}{'group':<10}{'gain':>6}{'error':>7}{'frames':>8}{'cameras':>9}   interval right, left out")
    every: list[Coverage] = []
    for (lighting, group), found in coverage_on_unseen_cameras(counts).items():
        error = getattr(errors.at(lighting), group)
        every.append(found)
        fitted = (
            f"{error.gain:>6.2f}{error.sqrt_error:>7.2f}{error.frames:>8}{error.sites:>9}"
            if error
            else f"{'too few':>30}"
        )
        print(f"{lighting.value:<8}{group:<10}{fitted}   {_told(found)}")
    for group in GROUPS:
        of_group = [found for (_, name), found in coverage_on_unseen_cameras(counts).items() if name == group]
        print(f"{'all':<8}{group:<40}   {_told(_added(of_group))}")
    print(f"{'all':<48}   {_told(_added(every))}")


def _added(parts: list[Coverage]) -> Coverage:
    return Coverage(
        sum(part.frames for part in parts),
        sum(part.covered for part in parts),
        sum(part.labelled_covered for part in parts),
    )


def _told(found: Coverage) -> str:
    if found.share is None:
        return "cannot be told: no camera to leave out"
    alone = found.labelled_covered / found.frames
    return f"{found.share:.1%} of {found.frames} (holds the labelled alone: {alone:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    counting = commands.add_parser("count", help="count labelled frames with one model")
    counting.add_argument("--model", required=True, help="as busyness count takes it")
    counting.add_argument("--labels", type=Path, required=True, help="a folder of ID.json")
    counting.add_argument("--footage", type=Path, help="what the labels' sources are relative to")
    counting.add_argument("--cameras", nargs="+", default=[], help="only these; all by default")
    counting.add_argument("--out", type=Path, required=True, help="JSON lines; more are added to what is there")
    fitting = commands.add_parser("fit", help="fit, write into the manifest, print coverage")
    fitting.add_argument("counts", type=Path, help="JSON lines, see above")
    fitting.add_argument("--name", default="lowres-2", help="the model's entry in the manifest")
    fitting.add_argument("--manifest", type=Path, default=MODELS / "manifest.json")
    fitting.add_argument("--dry-run", action="store_true", help="print only")
    args = parser.parse_args()
    try:
        if args.command == "count":
            counts = count_labels(args.model, args.labels, args.footage, args.cameras)
            with args.out.open("a", encoding="utf-8") as out:
                out.writelines(count.model_dump_json() + "\n" for count in counts)
            print(f"{len(counts)} frames -> {args.out}")
        else:
            counts = read_counts(args.counts)
            report(counts)
            if not args.dry_run:
                write_errors(args.manifest, args.name, counts)
                print(f"written to {args.manifest} as errors of {args.name}")
    except BusynessError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
