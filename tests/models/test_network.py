"""The network in PyTorch, where the extra `[train]` is installed: what is taken from others, and what is exported."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs the extra train; make test-ultralytics has it", allow_module_level=True)

import onnx
import torch

NAMES = ("trunk", "network", "features", "export", "sources", "sure", "train", "loss", "teachers")
SCRIPTS = Path(__file__).resolve().parents[2] / "models" / "train"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return {name: importlib.import_module(name) for name in NAMES}


@pytest.fixture
def yolox(shared_data: Path) -> Path:
    return shared_data / "weights" / "yolox_nano.onnx"


def features_of(train: dict[str, ModuleType], frames: int = 1) -> tuple[torch.Tensor, ...]:
    shapes = ((32, 72, 88), (128, 36, 44), (128, 18, 22), (128, 9, 11))
    return train["trunk"].Features(*(torch.rand(frames, *shape) for shape in shapes))


def test_the_trunk_sees_what_yolox_sees(train: dict[str, ModuleType], yolox: Path) -> None:
    """YOLOX's own last layers, put on the trunk's features, give the scores that its own file gives."""
    random = np.random.default_rng(1)
    blocks = np.kron(random.integers(0, 256, (3, 13, 13)), np.ones((1, 32, 32))).astype(np.float32)
    (table,) = onnxruntime.InferenceSession(str(yolox)).run(None, {"images": blocks[None]})
    stored = {item.name: onnx.numpy_helper.to_array(item) for item in onnx.load(str(yolox)).graph.initializer}
    rgb = torch.from_numpy(blocks[::-1].copy())[None] / 255
    with torch.no_grad():
        seen = train["trunk"].load_trunk(yolox)(rgb)
    first = 0
    for level, feature in enumerate((seen.at_8, seen.at_16, seen.at_32)):
        what, where = (part.flatten(2)[0].numpy() for part in feature.split(64, dim=1))
        cells = what.shape[1]
        for part, kind, columns in ((what, "cls", slice(5, 85)), (where, "obj", slice(4, 5))):
            weight, bias = stored[f"head.{kind}_preds.{level}.weight"], stored[f"head.{kind}_preds.{level}.bias"]
            scores = 1 / (1 + np.exp(-(weight[:, :, 0, 0] @ part + bias[:, None])))
            np.testing.assert_allclose(scores.T, table[0, first : first + cells, columns], atol=1e-4)
        first += cells
    assert first == table.shape[1]


def test_weights_of_another_network_are_refused(train: dict[str, ModuleType], tmp_path: Path, yolox: Path) -> None:
    other = onnx.load(str(yolox))
    other.graph.node.remove(next(node for node in other.graph.node if node.op_type == "Conv"))
    onnx.save(other, str(tmp_path / "other.onnx"))
    with pytest.raises(ValueError, match="is not YOLOX-nano"):
        train["trunk"].load_trunk(tmp_path / "other.onnx")


@pytest.mark.filterwarnings("ignore")  # PyTorch has another exporter too, whose files are slower
def test_what_is_exported_is_what_was_trained(train: dict[str, ModuleType], yolox: Path, tmp_path: Path) -> None:
    """Spreads measured, convolutions folded, doubts decided: in use as in PyTorch, alone as in a batch."""
    network = train["network"]
    torch.manual_seed(3)
    trunk, decoder = train["trunk"].load_trunk(yolox), network.Decoder()
    with torch.no_grad():
        decoder.measure(trunk(torch.rand(4, 3, 288, 352)))
    doubt = network.Doubt((0.3, 0.1), (0.7, 0.2))
    counting = network.CountingNetwork(trunk, decoder, doubt).eval()
    train["export"].write_onnx(counting, tmp_path / "made.onnx")
    assert train["export"].check(counting, tmp_path / "made.onnx") < 1e-5


def test_a_lateral_in_use_is_the_one_that_was_trained(
    train: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training subtracts the mean and divides by the spread; in use one convolution does all three."""
    network, features = train["network"], train["trunk"].Features
    monkeypatch.setattr(network, "DROPPED", features(0.0, 0.0, 0.0, 0.0))  # nothing is left out at random
    torch.manual_seed(5)
    seen = features(*(feature * 7 - 1 for feature in features_of(train, frames=2)))
    decoder = network.Decoder()
    decoder.measure(seen)
    with torch.no_grad():
        trained, used = decoder.train()(seen), decoder.eval()(seen)
    for one, other in zip(trained, used, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_classes_teach_the_trunk_nothing(train: dict[str, ModuleType], yolox: Path) -> None:
    """How many there are comes first: people and vehicles reach the trunk, what kind they are does not."""
    trunk = train["trunk"].load_trunk(yolox).requires_grad_(True)
    decoder = train["network"].Decoder().train()
    for head in (decoder.people, decoder.vehicles):
        head.bias.data.fill_(0)
    out = decoder.outputs(trunk(torch.rand(1, 3, 288, 352)))

    def learnt() -> bool:
        return any(weight.grad is not None and bool(weight.grad.any()) for weight in trunk.parameters())

    out.class_logits.sum().backward(retain_graph=True)
    assert not learnt()
    for group in (0, 1):
        trunk.zero_grad()
        out.groups[:, group].sum().backward(retain_graph=True)
        assert learnt()


def test_people_are_told_what_vehicles_see_and_tell_nothing(train: dict[str, ModuleType]) -> None:
    network, seen = train["network"], features_of(train)
    decoder = network.Decoder().eval()
    with torch.no_grad():
        groups, classes = decoder(seen)
        decoder.laterals["at_8"].narrow.weight[network.WIDTH : 2 * network.WIDTH] += 1  # of vehicles
        others, same = decoder(seen)
        assert (groups - others).abs().amax(dim=(0, 2, 3)).min() > 1e-4
        decoder.laterals["at_8"].narrow.weight[: network.WIDTH, :64] += 1  # of people
        again, still = decoder(seen)
    assert (others[:, 0] - again[:, 0]).abs().max() > 1e-4
    torch.testing.assert_close(others[:, 1], again[:, 1])
    for theirs in (same, still):
        torch.testing.assert_close(classes, theirs)
    decoder.train().outputs(seen).groups[:, 0].sum().backward()
    assert not decoder.vehicles.weight.grad.any(), "people teach the vehicles' branch nothing"
    assert not decoder.laterals["at_8"].narrow.weight.grad[network.WIDTH :].any()


def test_a_haze_over_a_whole_frame_changes_no_people(train: dict[str, ModuleType]) -> None:
    """Lamps lift all of a night's features: people's branch is centred in every frame, the others are not."""
    network, seen = train["network"], features_of(train)
    lateral = network.Lateral(128, 3, 0.0).eval()
    with torch.no_grad():
        difference = (lateral(seen.at_8 + 3.0) - lateral(seen.at_8)).abs().amax(dim=(0, 2, 3))
    assert difference[: network.WIDTH].max() < 1e-4
    assert difference[network.WIDTH :].min() > 1e-3


def test_vehicles_are_learnt_from_the_teacher_and_people_where_labels_are_silent(train: dict[str, ModuleType]) -> None:
    """Left half labelled, right half not: the best answer is the label's people there, the teacher's elsewhere."""
    loss, grid = train["loss"], (1, 2, 72, 88)
    labels, taught, known = torch.full(grid, 0.5), torch.full(grid, 0.125), torch.zeros(grid)
    known[..., :44] = 1
    totals = torch.tensor([[[0.0, -1.0], [9.0, 9.0]]])
    batch = train["features"].Batch(
        None, None, labels, torch.zeros(1, 10, 36, 44), known, known.clone(), taught, totals
    )
    best = torch.where(known[:, 0] > 0, 0.5, 0.125), taught[:, 1]
    for aim, answer in zip((loss.people_aim(batch), loss.vehicles_aim(batch, 0.0)), best, strict=True):
        predicted = answer.clone().requires_grad_(True)
        loss.count_loss(predicted, aim.truth, aim.known, aim.empty, aim.totals).sum().backward()
        assert predicted.grad.abs().max() < 1e-2, "nothing left to learn"
        wrong = (1.2 * answer).requires_grad_(True)
        loss.count_loss(wrong, aim.truth, aim.known, aim.empty, aim.totals).sum().backward()
        assert wrong.grad.min() > 0.05
    silent = loss.people_aim(batch)
    assert (silent.empty[..., 44:] == loss.TAUGHT_WEIGHT).all()
    assert loss.vehicles_aim(batch, 0.0).totals.tolist() == [[792.0, 792.0]]
    half = loss.vehicles_aim(batch, 0.5)
    assert (float(half.truth[0, 0, 0]), float(half.truth[0, 0, -1])) == (0.3125, 0.125), "labels speak on the left"
    assert half.totals.tolist() == [[400.5, 400.5]], "of the 9 that are labelled and the 792 of the teacher"


def test_the_last_stage_is_the_mean_of_its_steps(train: dict[str, ModuleType]) -> None:
    script = train["train"]
    steps = [torch.nn.Linear(2, 2) for _ in range(4)]
    average = torch.nn.Linear(2, 2)
    for step, layer in enumerate(steps):
        script.move(average, layer.state_dict(), script.newest(step, mean=True))
    mean = torch.stack([layer.weight.detach() for layer in steps]).mean(dim=0)
    torch.testing.assert_close(average.weight.detach(), mean)
    before = torch.nn.Linear(2, 2)
    script.move(average, before.state_dict(), 0.4)
    torch.testing.assert_close(average.weight.detach(), 0.6 * mean + 0.4 * before.weight.detach())


def test_the_teacher_sees_a_street_and_its_density_sums_to_what_it_sees(
    train: dict[str, ModuleType], shared_data: Path
) -> None:
    (picture, *_) = train["sources"].load_validation(shared_data, ("03604",))
    seen = train["teachers"].Teacher(shared_data / "weights").look(picture.frames[0])
    density = train["features"].drawn(seen)
    vehicles = sum(thing.mass for thing in seen if thing.name == "vehicle")
    assert density[1].sum() == pytest.approx(vehicles, rel=0.02)
    labelled = int((picture.kinds >= 2).sum())
    assert 0.7 * labelled < vehicles < 1.4 * labelled + picture.uncertain_vehicles
    assert density[0].sum() > 1


def test_doubts_tried_at_once_count_as_a_network_with_each(train: dict[str, ModuleType], yolox: Path) -> None:
    network, sure = train["network"], train["sure"]
    torch.manual_seed(4)
    made = network.CountingNetwork(train["trunk"].load_trunk(yolox), network.Decoder()).eval()
    for head in (made.decoder.people, made.decoder.vehicles):
        head.bias.data.fill_(-3.0)  # doubts everywhere
    sources = train["sources"]
    frame = np.random.default_rng(4).integers(0, 256, (288, 352, 3), dtype=np.uint8)
    known, none = sources.Known.ALL, np.zeros(0, np.int64)
    picture = sources.Picture((frame,), np.zeros((0, 4), np.float32), none, known, known, 0, 0, "eye", "a")
    at_once = sure.counted_by_least(made, [picture])
    for least in (0.0, 0.2, 0.5):
        made.sure = network.Sure(network.Doubt((least, least), (least, least)))
        np.testing.assert_allclose(at_once[least], sure.counted(made, [picture]), rtol=1e-3, atol=1e-3)
    assert at_once[0.5].sum() < at_once[0.2].sum() < at_once[0.0].sum()


def test_an_order_shows_every_row_once_a_pass(train: dict[str, ModuleType]) -> None:
    rows = np.arange(0, 96, 3)
    order = train["train"].orders(rows, 8, (1, 0, 0))
    for _ in range(3):
        np.testing.assert_array_equal(np.sort(np.concatenate([next(order) for _ in range(4)])), rows)
