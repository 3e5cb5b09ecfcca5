"""The page of an evaluation: one file with everything in it, that asks nothing of any network.

Every number of a plot is in a table below it, and every plot says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from busyness.accuracy import plots, tables
from busyness.accuracy.elements import figure, folded, table_of
from detect.evaluation.figures import Comparison
from detect.evaluation.side_by_side import HELD_OUT

CSS = Path(__file__).with_name("page.css")

SECTIONS = {
    "summary": "All models",
    "scatter": "Counted against labelled",
    "lighting": "By lighting",
    "camera": "By camera",
    "class": "By class",
    "size": "By size",
    "phantoms": "Phantoms",
    "confusion": "What is taken for what",
    "cost": "Accuracy against cost",
    "frames": "Every frame",
}


def page_of(comparison: Comparison) -> str:
    """The whole page as HTML."""
    people, vehicles = (sum(getattr(truth, group) for truth in comparison.truth) for group in ("people", "vehicles"))
    links = "".join(f'<li><a href="#{key}">{escape(title)}</a></li>' for key, title in SECTIONS.items())
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        "<title>Counting accuracy</title>\n",
        f"<style>\n{CSS.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n",
        "<header>\n<h1>How far are the counts from what stands on the street?</h1>\n",
        f'<p class="lead">{_many(len(comparison.evaluations), "model")} on {_many(comparison.frames, "frame")} of '
        f"{_many(len(comparison.cameras), 'camera')}, labelled by eye: {people:,} people and {vehicles:,} "
        "vehicles.</p>\n",
        f'<p class="note">Labels: {escape(comparison.labels)}. Cameras: {escape(", ".join(comparison.cameras))}.</p>\n',
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n</header>\n',
        *_sections(comparison),
        "</main>\n</body>\n</html>\n",
    ]
    return "".join(parts)


def _sections(comparison: Comparison) -> Iterator[str]:
    yield _section("summary", _headline(comparison), table_of(tables.summary(comparison)), _compared(comparison))
    yield _section("scatter", *_scatters(comparison))
    for key, table in (("lighting", tables.by_lighting(comparison)), ("camera", tables.by_camera(comparison))):
        alt = f"Error a frame of people and of vehicles by {key}, a row a {key} and a mark a model; the numbers follow."
        caption = (
            f"The number of frames stands after each {key}: few frames make an error that others would not repeat."
        )
        yield _section(key, figure(plots.dots(comparison, key, key), alt, caption), folded(table))
    yield _section("class", table_of(tables.by_class(comparison)))
    yield _section(
        "size",
        figure(
            plots.sizes(comparison, "size"),
            "Share of the labelled people and vehicles that was counted, by height in pixels; the numbers follow.",
            "A line runs from what is found when each object takes at most one (dash) to all that was counted near "
            "them (mark). At the dashed line as much was counted as is labelled.",
        ),
        folded(tables.by_size(comparison)),
    )
    yield _section("phantoms", table_of(tables.phantoms(comparison)))
    yield _section("confusion", *_confusions(comparison))
    yield _section(
        "cost",
        figure(
            plots.cost(comparison, "cost"),
            "Error a frame against milliseconds a frame on one thread, a mark a model; the first table has them.",
            "Nearer to the lower left corner is better. Errors are of held-out cameras where the cameras of training "
            "are known. Times are of the processor, medians on the machine that made this page: compare them with each "
            "other, not with other pages.",
        ),
    )
    yield _section("frames", folded(tables.frames(comparison)))


def _headline(comparison: Comparison) -> str:
    """The first model in a sentence, where it matters most: on cameras that it does not know, if there are any."""
    first, name = comparison.evaluations[0], tables.short_names(comparison)[0]
    errors = first.by_training.get(HELD_OUT, first.overall)
    where = "on cameras that none was trained on" if HELD_OUT in first.by_training else "on these frames"
    text = (
        f"{name} is off by {errors.people.error:.1f} people and {errors.vehicles.error:.1f} vehicles a frame {where}, "
        f"which hold {_range(errors.people.labelled, errors.people.uncertain, errors.frames)} people and "
        f"{_range(errors.vehicles.labelled, errors.vehicles.uncertain, errors.frames)} vehicles a frame."
    )
    return f"<p>{escape(text)}</p>\n{_seen_in_training(comparison)}"


def _seen_in_training(comparison: Comparison) -> str:
    """A warning where figures below mix cameras of training with others."""
    seen = [camera for camera in comparison.cameras if camera in comparison.trained_cameras]
    if not seen:
        return ""
    text = (
        f"{len(seen)} of the {len(comparison.cameras)} cameras were trained on by a model here. Unless a row says "
        f"{HELD_OUT}, figures are of all frames and flatter it; --except {','.join(seen)} leaves those cameras out."
    )
    return f'<p class="warning">{escape(text)}</p>\n'


def _compared(comparison: Comparison) -> str:
    remark = comparison.resampling.remark
    if not comparison.differences:
        return ""
    warning = f'<p class="warning">{escape(remark[0].upper() + remark[1:])}.</p>\n' if remark else ""
    return warning + table_of(tables.differences(comparison))


def _scatters(comparison: Comparison) -> Iterator[str]:
    """The first model in full view, the others to unfold."""
    yield "<p>A point is a frame. On the dashed line the count is what was labelled; a grey bar that reaches the line "
    yield "says that the uncertain may account for the rest. Both axes grow with the square root.</p>\n"
    for at, (name, evaluation) in enumerate(zip(tables.short_names(comparison), comparison.evaluations, strict=True)):
        drawing = figure(
            plots.scatter(comparison, evaluation, f"scatter{at}"),
            f"{name}: counted against labelled people and vehicles, a point a frame; Every frame has the numbers.",
            name,
        )
        yield drawing if at == 0 else f"<details><summary>{escape(name)}</summary>\n{drawing}</details>\n"


def _confusions(comparison: Comparison) -> Iterator[str]:
    yield "<p>What was counted near objects labelled as each class, in objects. Read a row: had every object been "
    yield "counted once and as what it is, the number under its own name would be the labelled one, and the others 0. "
    yield "In a queue or a crowd, mass that spills over onto a neighbour of another class looks like confusion.</p>\n"
    found = list(tables.confusions(comparison))
    for at in range(0, len(found), 2):
        pair = f'<div class="pair">{table_of(found[at])}{table_of(found[at + 1])}</div>\n'
        name = found[at].title.rpartition(":")[0]
        yield pair if at == 0 else f"<details><summary>{escape(name)}</summary>\n{pair}</details>\n"


def _section(key: str, *parts: str) -> str:
    title = escape(SECTIONS[key])
    return f'<section aria-labelledby="{key}">\n<h2 id="{key}">{title}</h2>\n{"".join(parts)}</section>\n'


def _range(labelled: int, uncertain: int, frames: int) -> str:
    low, high = labelled / frames, (labelled + uncertain) / frames
    return f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"
