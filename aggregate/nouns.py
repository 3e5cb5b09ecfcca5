"""What the members of a series are called in a sentence, in British English."""

from __future__ import annotations

NOUNS = {
    "pedestrian": "pedestrians",
    "cyclist": "cyclists",
    "motorcycle": "motorcycles",
    "car": "cars",
    "van": "vans",
    "truck": "lorries",
    "bus": "buses",
    "people": "people",
    "vehicles": "vehicles",
}
"""By the name of the series: all of `core.figures.SERIES`."""
