"""The figures of an evaluation, as records. Counts are objects, errors objects per frame, sizes pixels as labelled."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from core.config import Closed


class CountError(Closed):
    """How well people, vehicles or one class are counted.

    `error`, `bias` and `relative_percent` are of the distance of a count to [labelled, labelled + uncertain], 0 inside,
    for nobody knows better: its mean, its signed mean, and its sum in percent of the sum of the labelled, as
    `bias_percent` is of the signed. `mae` and `rmse` are of the distance to the labelled alone. The percentages are
    null where nothing is labelled. Of the uncertain nobody knows the class: any of them may be of this one.
    """

    error: NonNegativeFloat
    mae: NonNegativeFloat
    rmse: NonNegativeFloat
    bias: float
    bias_percent: float | None
    relative_percent: float | None
    labelled: NonNegativeInt
    uncertain: NonNegativeInt
    counted: NonNegativeFloat


class Errors(Closed):
    """The errors on some of the frames; `classes` in the order of `core.figures.CLASSES`."""

    frames: PositiveInt
    people: CountError
    vehicles: CountError
    classes: dict[str, CountError]

    def of(self, group: str) -> CountError:
        """Of `people` or of `vehicles`."""
        return self.people if group == "people" else self.vehicles


class SweptThresholds(Closed):
    """The scores at which a box detector does best on these very frames: its figures flatter it."""

    people: float
    vehicles: float


class SizeShare(Closed):
    """What was counted near labelled objects of one height (`detect.evaluation.placement` says what near is).

    `share` is `counted` of `labelled`: above 1 they were counted more than once. `found` lets each object have at most
    1, so that twice one and none of the other is half of them; null where nothing of that height is labelled.
    """

    labelled: NonNegativeInt
    counted: NonNegativeFloat
    share: NonNegativeFloat | None
    found: float | None = Field(ge=0, le=1)


class Phantoms(Closed):
    """What was counted where nothing is labelled, objects per frame.

    `far` is all that lies far from every labelled object; `unexplained` what is left of it when as much as the
    uncertain of that frame is taken off: phantoms whatever the uncertain were. In the `empty_frames`, which have none
    labelled and none uncertain, all that is counted is a phantom: `empty`, and `empty_most` in the worst of them.
    """

    far: NonNegativeFloat
    unexplained: NonNegativeFloat
    empty_frames: NonNegativeInt
    empty: NonNegativeFloat | None
    empty_most: NonNegativeFloat | None


class Confusion(Closed):
    """As what the labelled objects of each class were counted: `counted[labelled class][counted as]`, objects.

    `labelled` is how many there are; `far` is what was counted as each class far from any labelled object of the group.
    """

    labelled: dict[str, NonNegativeInt]
    counted: dict[str, dict[str, NonNegativeFloat]]
    far: dict[str, NonNegativeFloat]


class GroupPlacement(Closed):
    """Where people, or vehicles, were counted: near which labelled objects, and far from all."""

    by_height: dict[str, SizeShare]
    phantoms: Phantoms
    phantoms_by_visibility: dict[str, Phantoms]
    confusion: Confusion


class Placement(Closed):
    people: GroupPlacement
    vehicles: GroupPlacement

    def of(self, group: str) -> GroupPlacement:
        """Of `people` or of `vehicles`."""
        return self.people if group == "people" else self.vehicles


class Evaluation(Closed):
    """One model on the labelled frames. `by_training` is empty where the cameras of training are not known.

    `counted[frame][class]` stands in the order of `Comparison.truth` and `core.figures.CLASSES`. `ms_per_frame` is the
    median processor time of one frame from pixels in memory to counts, a frame at a time, on one thread.
    """

    model: str
    swept: SweptThresholds | None = Field(description="set where thresholds were chosen on these frames")
    ms_per_frame: NonNegativeFloat
    overall: Errors
    by_visibility: dict[str, Errors]
    by_camera: dict[str, Errors]
    by_training: dict[str, Errors]
    placement: Placement
    counted: tuple[tuple[NonNegativeFloat, ...], ...]


class FrameTruth(Closed):
    """What is labelled in one frame."""

    id: str
    camera: str
    visibility: str
    people: NonNegativeInt
    uncertain_people: NonNegativeInt
    vehicles: NonNegativeInt
    uncertain_vehicles: NonNegativeInt


Verdict = Literal["better", "worse", "cannot tell"]
"""What a paired interval says of a model beside the first."""


class Difference(Closed):
    """The error of `model` less that of the first model, on the same frames, with its 90 % interval.

    `frames_of` is `all`, `held-out`, `trained` or a visibility. See `detect.evaluation.bootstrap`.
    """

    model: str
    series: str = Field(description="people or vehicles")
    frames_of: str
    frames: PositiveInt
    cameras: PositiveInt
    difference: float
    low: float
    high: float
    verdict: Verdict


class Resampling(Closed):
    """How the intervals of the differences were made."""

    draws: PositiveInt
    seed: int
    level: float
    remark: str | None = Field(description="what few cameras make of the intervals")


class Comparison(Closed):
    """Several models on the same frames, and `mean_guess`: always answering the mean of the labels."""

    labels: str
    frames: PositiveInt
    cameras: tuple[str, ...]
    trained_cameras: tuple[str, ...]
    truth: tuple[FrameTruth, ...]
    mean_guess: Errors
    mean_guess_by_training: dict[str, Errors]
    evaluations: tuple[Evaluation, ...]
    differences: tuple[Difference, ...]
    resampling: Resampling
