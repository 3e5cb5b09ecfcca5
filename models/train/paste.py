"""People cut from labelled frames and put into other pictures, so that the network learns persons and not places.

The cut-outs are feathered ellipses, brought to the brightness of where they land. As many cut-outs of nobody (street,
furniture, parts of vehicles) are put in the same way, so that the seam says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from compose import Truth, cells, draw
from contract import HEIGHT_PX, WIDTH_PX
from numpy.typing import NDArray
from sources import PEOPLE_KINDS, Picture

MARGIN = 0.25  # of the box, on every side, for the feather
SMALLEST_PX, LARGEST_PX = 9, 70  # height of a cut-out person
LARGEST_OVERLAP = 0.15  # of its box, with other objects
SMALLEST_PASTED_PX = 6.5
CROWDS = 0.05  # of the frames of a day that people are put into


@dataclass(frozen=True)
class Cutout:
    pixels: NDArray[np.uint8]  # [y, x, 3] with the margin
    alpha: NDArray[np.float32]  # [y, x] 0..1
    width_px: float
    height_px: float
    kind: int


def overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The largest share of `box` that one of `others` [n, 4] covers."""
    if not len(others):
        return 0.0
    low = np.maximum(box[:2] - box[2:] / 2, others[:, :2] - others[:, 2:] / 2)
    high = np.minimum(box[:2] + box[2:] / 2, others[:, :2] + others[:, 2:] / 2)
    return float((np.clip(high - low, 0, None).prod(axis=1) / max(box[2] * box[3], 1e-6)).max())


def feather(height: int, width: int) -> NDArray[np.float32]:
    """1 within the box, falling to 0 over the margin; corners rounded."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    inner = 1 / (1 + 2 * MARGIN)
    radius = (abs(x) ** 3 + abs(y) ** 3) ** (1 / 3)
    return np.clip((1 - radius) / (1 - inner * 0.95), 0, 1).astype(np.float32)


def cut(picture: Picture, box: NDArray[np.float32], kind: int) -> Cutout | None:
    image = picture.frames[0]
    x, y, width, height = box
    half_x, half_y = width * (0.5 + MARGIN), height * (0.5 + MARGIN)
    left, right, top, bottom = round(x - half_x), round(x + half_x), round(y - half_y), round(y + half_y)
    if left < 0 or top < 0 or right > image.shape[1] or bottom > image.shape[0] or right - left < 4:
        return None
    pixels = image[top:bottom, left:right].copy()
    return Cutout(pixels, feather(*pixels.shape[:2]), float(width), float(height), kind)


def people_of(pictures: list[Picture]) -> list[Cutout]:
    """Every labelled person who stands clear of all other objects."""
    found = []
    for picture in pictures:
        for index, (box, kind) in enumerate(zip(picture.boxes_px, picture.kinds, strict=True)):
            if kind not in PEOPLE_KINDS or not SMALLEST_PX <= box[3] <= LARGEST_PX:
                continue
            if overlap(box, np.delete(picture.boxes_px, index, axis=0)) <= LARGEST_OVERLAP:
                made = cut(picture, box, int(kind))
                if made is not None:
                    found.append(made)
    return found


def put(frame: NDArray[np.uint8], piece: Cutout, x: float, y: float, scale: float, flip: bool) -> NDArray[np.float32]:
    """Blend a cut-out into the frame with its centre at (x, y); gives its box."""
    height, width = max(3, round(piece.pixels.shape[0] * scale)), max(3, round(piece.pixels.shape[1] * scale))
    left, top = round(x - width / 2), round(y - height / 2)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = cv2.resize(piece.pixels, (width, height), interpolation=method).astype(np.float32)
    alpha = cv2.resize(piece.alpha, (width, height))[..., None]
    if flip:
        pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
    under = frame[top : top + height, left : left + width].astype(np.float32)
    ring = alpha[..., 0] < 0.3
    gain = np.clip((under[ring].mean() + 8) / (pixels[ring].mean() + 8), 0.35, 2.0)
    mixed = alpha * np.clip(pixels * gain, 0, 255) + (1 - alpha) * under
    frame[top : top + height, left : left + width] = mixed.astype(np.uint8)
    return np.array([left + width / 2, top + height / 2, piece.width_px * scale, piece.height_px * scale], np.float32)


@dataclass(frozen=True)
class Stand:
    """Where one person is put, and how much of others they may hide."""

    x: float
    y: float
    height_px: float | None  # None: as tall as the cut-out, by the scale
    scale: float
    overlap: float


def groups(random: np.random.Generator) -> list[Stand]:
    """One to three small groups, anywhere, of one distance more or less."""
    size = np.exp(random.uniform(-0.35, 0.35))
    stands = []
    for _ in range(random.integers(1, 4)):
        x, y = random.uniform(10, WIDTH_PX - 10), random.uniform(HEIGHT_PX * 0.12, HEIGHT_PX - 10)
        for _ in range(1 + random.poisson(0.8)):
            scale = size * np.exp(random.uniform(-0.15, 0.15))
            stands.append(Stand(x + random.normal(0, 14), y + random.normal(0, 5), None, scale, 0.3))
    return stands


def crowd(random: np.random.Generator) -> list[Stand]:
    """A square or a pavement full of small people, the far ones smaller and behind the near ones."""
    left, width = random.uniform(0, WIDTH_PX * 0.7), random.uniform(40, 180)
    top, height = random.uniform(HEIGHT_PX * 0.3, HEIGHT_PX * 0.8), random.uniform(10, 70)
    far_px, near_px = random.uniform(7, 12), random.uniform(1.0, 1.8)
    stands = []
    for depth in np.sort(random.random(int(np.exp(random.uniform(np.log(8), np.log(60)))))):
        tall = far_px * (1 + depth * (near_px - 1)) * np.exp(random.normal(0, 0.08))
        stands.append(Stand(left + random.random() * width, top + depth * height, tall, 1.0, 0.6))
    return stands


def paste(
    frame: NDArray[np.uint8], truth: Truth, boxes: NDArray[np.float32], bank: list[Cutout],
    pictures: list[Picture], random: np.random.Generator, *, dark: bool,
) -> NDArray[np.float32]:  # fmt: skip
    """Put people, and pieces of nobody, into a composed frame and its truth; gives all boxes, [n, 5].

    No crowd where the frame is `dark` (`light.by_night`): by night its blobs only teach to see people everywhere.
    """
    added = [*boxes]
    stands = groups(random) if dark or random.random() > CROWDS else crowd(random)
    for stand in stands:
        piece = bank[random.integers(len(bank))]
        scale = stand.scale if stand.height_px is None else stand.height_px / piece.height_px
        half_x, half_y = piece.pixels.shape[1] * scale / 2 + 2, piece.pixels.shape[0] * scale / 2 + 2
        if not (half_x < stand.x < WIDTH_PX - half_x and half_y < stand.y < HEIGHT_PX - half_y):
            continue
        box = np.array([stand.x, stand.y, piece.width_px * scale, piece.height_px * scale], np.float32)
        if box[3] < SMALLEST_PASTED_PX or overlap(box, of(added)) > stand.overlap:
            continue
        box = put(frame, piece, stand.x, stand.y, scale, bool(random.random() < 0.5))
        added.append(np.array([*box, piece.kind], np.float32))
        draw(truth.kinds[piece.kind], box)
        ys, xs = cells(box, margin_px=2)
        truth.known[0][ys, xs] = 1
        truth.empty[0][ys, xs] = np.maximum(truth.empty[0][ys, xs], 0.8)
        if truth.totals[0, 1] >= 0:
            truth.totals[0] += 1
    for _ in range(min(4, len(stands))):  # nobody, cut and blended the same way
        piece = nobody(pictures[random.integers(len(pictures))], random)
        if piece is None:
            continue
        half_x, half_y = piece.pixels.shape[1] / 2 + 2, piece.pixels.shape[0] / 2 + 2
        x, y = random.uniform(half_x, WIDTH_PX - half_x), random.uniform(half_y, HEIGHT_PX - half_y)
        if overlap(np.array([x, y, piece.width_px, piece.height_px], np.float32), of(added)) <= 0.1:
            put(frame, piece, x, y, 1.0, bool(random.random() < 0.5))
    return of(added, 5)


def of(boxes: list[NDArray[np.float32]], columns: int = 4) -> NDArray[np.float32]:
    return np.array([box[:columns] for box in boxes], np.float32).reshape(-1, columns)


def nobody(picture: Picture, random: np.random.Generator) -> Cutout | None:
    """An upright piece of a picture where no person is; None where the place drawn has one, or a vehicle."""
    height, image = float(random.uniform(10, 40)), picture.frames[0]
    width = height * float(random.uniform(0.3, 0.7))
    at = np.array([random.uniform(0, image.shape[1]), random.uniform(0, image.shape[0]), width, height], np.float32)
    people = picture.boxes_px[np.isin(picture.kinds, PEOPLE_KINDS)]
    if overlap(at, picture.boxes_px) > 0.3 or overlap(at + np.array([0, 0, 8, 8], np.float32), people) > 0:
        return None
    return cut(picture, at, -1)
