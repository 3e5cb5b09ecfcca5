"""What is counted near a labelled object is its, what is counted elsewhere a phantom: known answers of toy densities.

a picture of 352x288 in cells of 4 px; a car of 40x20 px at (100, 100):

          80        120
   90  ┌───────────────┐         the ellipse around (100, 108),
       │   car    x 100│         26 px to the sides (20 + 6), 16 px up and down (10 + 6):
  110  └───────────────┘         from 74 to 126 across, from 92 to 124 down
"""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import CLASSES
from detect.boxes import GroundPoints, Thresholds, density_of
from detect.evaluation.figures import Placement
from detect.evaluation.placement import FrameDensity, place, placement_of
from detect.labels import LabelledFrame, LabelledObject

INDEX = {name: index for index, name in enumerate(CLASSES)}


def thing(kind: str, x: float, y: float, w: float = 40, h: float = 20) -> LabelledObject:
    return LabelledObject.model_validate({"class": kind, "x": x, "y": y, "w": w, "h": h})


def frame(*objects: LabelledObject, people: int = 0, vehicles: int = 0, visibility: str = "day") -> LabelledFrame:
    return LabelledFrame.model_validate(
        {
            "id": "one", "camera": "north", "source": None, "frame_index": 0, "width": 352, "height": 288,
            "visibility": visibility, "objects": (), "uncertain_pedestrians": people, "uncertain_vehicles": vehicles,
        }
    ).model_copy(update={"objects": objects})  # fmt: skip


def mass(*spots: tuple[str, float, float, float]) -> FrameDensity:
    """A density map with some mass of a class at some pixels."""
    density = np.zeros((len(CLASSES), 72, 88), dtype=np.float32)
    for kind, x, y, amount in spots:
        density[INDEX[kind], int(y // 4), int(x // 4)] += amount
    return density


def figures(*seen: tuple[LabelledFrame, FrameDensity]) -> Placement:
    return placement_of([label for label, _ in seen], [place(density, label) for label, density in seen])


CAR = thing("car", 100, 100)


@pytest.mark.parametrize(
    ("x", "y", "near"),
    [
        (100, 106, True),  # where our networks put it: 0.3 of the height below the centre
        (100, 110, True),  # where a box detector does: the lower edge
        (100, 100, True),  # a model that puts it at the centre
        (122, 108, True),  # half a cell beside the box
        (132, 108, False),
        (100, 126, False),
        (100, 86, False),  # above the box
    ],
)
def test_an_object_stands_in_the_lower_part_of_its_box(x: float, y: float, near: bool) -> None:
    placed = place(mass(("car", x, y, 1)), frame(CAR))["vehicles"]

    assert placed.near.sum() == near
    assert placed.far.sum() == (not near)


@pytest.mark.parametrize("size", [(5, 9), (8, 20), (40, 20), (120, 90)])
def test_boxes_and_density_of_every_size_are_near_themselves(size: tuple[float, float]) -> None:
    """A box detector that gives exactly the labelled box, and mass where our networks are taught to put it."""
    w, h = size
    label = frame(thing("bus", 150, 140, w, h))
    x = np.array([150 / 352], dtype=np.float32)
    y = np.array([(140 + h / 2) / 288], dtype=np.float32)
    points = GroundPoints(x=x, y=y, kind=np.array([INDEX["bus"]]), score=np.ones(1, np.float32))

    assert place(density_of([points], Thresholds(0.5, 0.5))[0], label)["vehicles"].near.sum() == 1
    assert place(mass(("bus", 150, 140 + 0.3 * h, 1)), label)["vehicles"].near.sum() == 1


def test_all_mass_is_near_one_object_or_far() -> None:
    """Objects whose ellipses overlap share nothing out twice."""
    density = np.random.default_rng(3).random((len(CLASSES), 72, 88)).astype(np.float32)
    label = frame(CAR, thing("van", 120, 104), thing("pedestrian", 104, 110, 6, 16))

    placed = place(density, label)

    for group, members in (("people", slice(0, 2)), ("vehicles", slice(2, 7))):
        total = placed[group].near.sum() + placed[group].far.sum()
        assert total == pytest.approx(density[members].sum(dtype=np.float64))


def test_mass_in_two_ellipses_belongs_to_the_nearer() -> None:
    """Measured in each one's own size: 14 px from a car of 40 px is nearer than 14 px from a pedestrian-sized one."""
    big, small = thing("car", 100, 100), thing("car", 128, 104, 8, 12)
    placed = place(mass(("car", 114, 108, 1)), frame(big, small))["vehicles"]

    np.testing.assert_allclose(placed.near.sum(axis=1), [1, 0])


def test_people_are_not_found_near_vehicles() -> None:
    people = figures((frame(CAR), mass(("pedestrian", 100, 106, 1)))).people

    assert people.phantoms.far == people.phantoms.empty == 1
    assert people.by_height["12-24"].labelled == 0
    assert people.by_height["12-24"].share is None


def test_sizes_are_told_apart_and_an_object_takes_at_most_one() -> None:
    """Heights 11, 12, 24 and 25: nothing of the first, 0.5 and 2 of the middle two, 1 of the last."""
    label = frame(*(thing("car", 50 + 80 * at, 100, 20, height) for at, height in enumerate((11, 12, 24, 25))))
    density = mass(("car", 130, 104, 0.5), ("car", 210, 108, 2), ("car", 290, 108, 1))

    sizes = figures((label, density)).vehicles.by_height

    assert [(size.labelled, size.counted, size.share, size.found) for size in sizes.values()] == [
        (1, 0, 0, 0),
        (2, 2.5, 1.25, 0.75),
        (1, 1, 1, 1),
    ]


def test_the_uncertain_may_explain_what_is_far() -> None:
    """3 far in a frame with 2 uncertain, 1 far in a frame with 4: far 4 of 2 frames, unexplained 1 of 2 frames."""
    far = figures(
        (frame(CAR, vehicles=2), mass(("car", 300, 200, 3))),
        (frame(CAR, vehicles=4), mass(("car", 300, 200, 1))),
    ).vehicles.phantoms

    assert (far.far, far.unexplained) == (2, 0.5)
    assert (far.empty_frames, far.empty, far.empty_most) == (0, None, None)


def test_an_empty_frame_has_none_labelled_and_none_uncertain() -> None:
    seen = [
        (frame(visibility="night"), mass(("pedestrian", 20, 20, 0.3), ("cyclist", 90, 90, 0.1))),
        (frame(CAR, visibility="night"), mass()),
        (frame(people=3), mass(("pedestrian", 20, 20, 3))),
        (frame(thing("pedestrian", 20, 20, 6, 16)), mass()),
    ]
    people = figures(*seen).people

    assert (people.phantoms.empty_frames, people.phantoms.empty, people.phantoms.empty_most) == (2, 0.2, 0.4)
    assert people.phantoms_by_visibility["night"].empty_frames == 2
    assert people.phantoms_by_visibility["day"].empty is None


def test_what_is_taken_for_what() -> None:
    """A van counted as 0.7 car and 0.2 van, a car as a car, a truck beside nothing."""
    van = thing("van", 250, 100)
    density = mass(("car", 250, 106, 0.7), ("van", 250, 108, 0.2), ("car", 100, 106, 1), ("truck", 30, 250, 0.4))

    confusion = figures((frame(CAR, van), density)).vehicles.confusion

    assert confusion.labelled == {"motorcycle": 0, "car": 1, "van": 1, "truck": 0, "bus": 0}
    assert confusion.counted["van"] == {"motorcycle": 0, "car": 0.7, "van": 0.2, "truck": 0, "bus": 0}
    assert confusion.counted["car"]["car"] == 1
    assert confusion.far["truck"] == 0.4


def test_a_grid_of_other_cells_and_a_picture_of_another_size_give_the_same() -> None:
    """Half the cells each way, and everything twice as large in pixels."""
    small = frame(CAR)
    large = small.model_copy(update={"width": 704, "height": 576, "objects": (thing("car", 200, 200, 80, 40),)})
    coarse = np.zeros((len(CLASSES), 36, 44), dtype=np.float32)
    coarse[INDEX["car"], 13, 12] = 1  # from (96, 104) to (104, 112)

    for label in (small, large):
        assert place(coarse, label)["vehicles"].near.sum() == 1
