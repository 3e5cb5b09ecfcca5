"""The figures of a comparison as plain tables: one source for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from busyness.table import NOTHING, Row, Table
from detect.evaluation.bootstrap import LEAST_CAMERAS
from detect.evaluation.figures import (
    Comparison,
    Confusion,
    CountError,
    Difference,
    Errors,
    Evaluation,
    GroupPlacement,
    Phantoms,
)
from detect.evaluation.scoring import GROUPS

ERROR_COLUMNS = ("n", "error", "MAE", "RMSE", "bias", "rel.")


def short_names(comparison: Comparison) -> list[str]:
    """The models without the hash of their weights, where that tells them apart."""
    names = [_short(evaluation.model) for evaluation in comparison.evaluations]
    return [
        name if names.count(name) == 1 else evaluation.model
        for name, evaluation in zip(names, comparison.evaluations, strict=True)
    ]


def summary(comparison: Comparison) -> Table:
    """All models beside the mean guess, on all frames and on those of each training."""
    parts = comparison.mean_guess_by_training
    if len(parts) != 1:  # else they are all frames
        parts = {"all": comparison.mean_guess, **parts}
    rows: list[Row] = []
    for group in GROUPS:
        for part, guess in parts.items():
            for name, evaluation in _named(comparison):
                errors = evaluation.overall if part == "all" else evaluation.by_training[part]
                rows.append((group, part, name, *_errors(errors, group), f"{evaluation.ms_per_frame:.1f}"))
            rows.append((group, part, "always the mean", *_errors(guess, group), NOTHING))
    columns = ("", "frames of", "model", *ERROR_COLUMNS, "ms a frame")
    return Table("Error a frame", columns, tuple(rows), texts=3, note=_summary_note(comparison))


def differences(comparison: Comparison) -> Table:
    """Of every model to the first; no rows where there is one model."""
    short = dict(zip((e.model for e in comparison.evaluations), short_names(comparison), strict=True))
    resampling = comparison.resampling
    first = short_names(comparison)[0]
    note = (
        f"Error a frame less that of {first} on the same frames, with its {resampling.level:.0%} interval: "
        f"{resampling.draws} draws of cameras, then of frames within each, seed {resampling.seed}."
    )
    return Table(
        f"Nearer than {first}?",
        ("", "frames of", "model", "cameras", "diff.", "interval", "verdict"),
        tuple(
            (
                found.series,
                found.frames_of,
                short[found.model],
                str(found.cameras),
                *_interval(found),
            )
            for group in GROUPS
            for part in dict.fromkeys(found.frames_of for found in comparison.differences)
            for found in comparison.differences
            if (found.series, found.frames_of) == (group, part)
        ),
        texts=3,
        note=f"{note} Fewer than {LEAST_CAMERAS} cameras cannot tell. {_sentence(resampling.remark)}".strip(),
    )


def by_lighting(comparison: Comparison) -> Table:
    return _split(comparison, "By lighting", "lighting", lambda evaluation: evaluation.by_visibility)


def by_camera(comparison: Comparison) -> Table:
    return _split(comparison, "By camera", "camera", lambda evaluation: evaluation.by_camera)


def by_class(comparison: Comparison) -> Table:
    return Table(
        "Error a frame by class",
        ("class", "model", "labelled", "counted", "error", "MAE", "RMSE", "bias"),
        tuple(
            (name, model, str(error.labelled), f"{error.counted:.0f}", *_distances(error))
            for name in comparison.mean_guess.classes
            for model, evaluation in _named(comparison)
            for error in [evaluation.overall.classes[name]]
        ),
        texts=2,
        note="The uncertain may be of any class of their group: error and bias let a count take as many as there are.",
    )


def by_size(comparison: Comparison) -> Table:
    return Table(
        "By size",
        ("", "height, px", "model", "labelled", "counted", "share", "found"),
        tuple(
            (group, height, model, str(size.labelled), f"{size.counted:.0f}", _share(size.share), _share(size.found))
            for group in GROUPS
            for height in next(iter(_places(comparison, group)))[1].by_height
            for model, place in _places(comparison, group)
            for size in [place.by_height[height]]
        ),
        texts=3,
        note="What was counted near labelled objects of that height, and what is found of them when each takes at most "
        "1: the truth of a smooth density map lies between the two.",
    )


def phantoms(comparison: Comparison) -> Table:
    return Table(
        "Counted where nothing is labelled, objects a frame",
        ("", "frames of", "model", "far", "certain", "empty frames", "there, mean", "there, most"),
        tuple(
            (group, part, model, *_phantoms(found))
            for group in GROUPS
            for part in ("all", *sorted({truth.visibility for truth in comparison.truth}))
            for model, place in _places(comparison, group)
            for found in [place.phantoms if part == "all" else place.phantoms_by_visibility[part]]
        ),
        texts=3,
        note="Far: far from every labelled object. Certain: what is left of it when as much as the uncertain of "
        "the frame is taken off. Empty: none labelled and none uncertain, so all that is counted is a phantom.",
    )


def confusions(comparison: Comparison) -> Iterator[Table]:
    """People and vehicles of each model."""
    for model, evaluation in _named(comparison):
        for group in GROUPS:
            yield _confusion(f"{model}: {group}", evaluation.placement.of(group).confusion)


def frames(comparison: Comparison) -> Table:
    """The counts of every frame."""
    models = short_names(comparison)
    rows = [
        (
            truth.id, truth.camera, truth.visibility,
            _range(truth.people, truth.uncertain_people),
            *(f"{sum(evaluation.counted[at][:2]):.1f}" for evaluation in comparison.evaluations),
            _range(truth.vehicles, truth.uncertain_vehicles),
            *(f"{sum(evaluation.counted[at][2:]):.1f}" for evaluation in comparison.evaluations),
        )
        for at, truth in enumerate(comparison.truth)
    ]  # fmt: skip
    columns = ("people labelled", *(f"people, {name}" for name in models))
    columns += ("vehicles labelled", *(f"vehicles, {name}" for name in models))
    return Table("Every frame", ("frame", "camera", "lighting", *columns), tuple(rows), texts=3)


def _split(comparison: Comparison, title: str, what: str, parts_of: Callable[[Evaluation], dict[str, Errors]]) -> Table:
    return Table(
        title,
        ("", what, "model", *ERROR_COLUMNS),
        tuple(
            (group, part, model, *_errors(parts_of(evaluation)[part], group))
            for group in GROUPS
            for part in parts_of(comparison.evaluations[0])
            for model, evaluation in _named(comparison)
        ),
        texts=3,
    )


def _confusion(title: str, confusion: Confusion) -> Table:
    names = tuple(confusion.labelled)
    rows, shades = [], []
    for name in names:
        counted = [confusion.counted[name][other] for other in names]
        labelled = confusion.labelled[name]
        rows.append((name, str(labelled), *(f"{mass:.1f}" for mass in counted)))
        shades.append((0.0, *(min(1.0, mass / labelled) if labelled else 0.0 for mass in counted)))
    rows.append(("far from all", NOTHING, *(f"{confusion.far[name]:.1f}" for name in names)))
    shades.append((0.0,) * (len(names) + 1))
    return Table(
        title, ("labelled as", "labelled", *(f"as {name}" for name in names)), tuple(rows), shades=tuple(shades)
    )


def _named(comparison: Comparison) -> Iterable[tuple[str, Evaluation]]:
    return zip(short_names(comparison), comparison.evaluations, strict=True)


def _places(comparison: Comparison, group: str) -> list[tuple[str, GroupPlacement]]:
    return [(name, evaluation.placement.of(group)) for name, evaluation in _named(comparison)]


def _short(model: str) -> str:
    name, _, rest = model.partition("@")
    _, mark, scores = rest.partition("?")
    return f"{name}{mark}{scores}"


def _summary_note(comparison: Comparison) -> str:
    note = (
        "Error: mean distance of a count to [labelled, labelled + uncertain]; bias and rel. are the signed and the "
        "plain sum of it in percent of the labelled. MAE and RMSE: to the labelled alone. "
        "Milliseconds: median processor time of one frame, on one thread."
    )
    if any(evaluation.swept for evaluation in comparison.evaluations):
        note += " Box detectors are taken at the thresholds that suit these frames best, which flatters them: "
        note += "; ".join(
            f"{name} people {evaluation.swept.people:g}, vehicles {evaluation.swept.vehicles:g}"
            for name, evaluation in _named(comparison)
            if evaluation.swept
        )
        note += "."
    if comparison.trained_cameras:
        note += " Held-out: cameras of which no model here says that it saw a frame in training."
    return note


def _errors(errors: Errors, group: str) -> Row:
    error = errors.of(group)
    relative = NOTHING if error.relative_percent is None else f"{error.relative_percent:.0f} %"
    return (str(errors.frames), *_distances(error), relative)


def _distances(error: CountError) -> Row:
    return (f"{error.error:.2f}", f"{error.mae:.2f}", f"{error.rmse:.2f}", _signed_percent(error.bias_percent))


def _interval(found: Difference) -> Row:
    return (f"{found.difference:+.2f}", f"{found.low:+.2f} to {found.high:+.2f}", found.verdict)


def _phantoms(found: Phantoms) -> Row:
    return (
        f"{found.far:.2f}",
        f"{found.unexplained:.2f}",
        str(found.empty_frames),
        NOTHING if found.empty is None else f"{found.empty:.2f}",
        NOTHING if found.empty_most is None else f"{found.empty_most:.2f}",
    )


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"


def _signed_percent(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:+.0f} %" if round(value) else "0 %"


def _range(labelled: int, uncertain: int) -> str:
    return f"{labelled}–{labelled + uncertain}" if uncertain else str(labelled)


def _sentence(text: str | None) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
