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

SCRIPTS = Path(__file__).resolve().parents[2] / "models" / "train"


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return {name: importlib.import_module(name) for name in ("trunk", "network", "features", "export", "train")}


@pytest.fixture
def yolox(shared_data: Path) -> Path:
    return shared_data / "weights" / "yolox_nano.onnx"


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
    doubt = network.Doubt((0.3, 0.1), (0.7, 0.2), (1.4, 0.9))
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
    seen = features(
        *(torch.rand(2, c, y, x) * 7 - 1 for c, y, x in ((32, 72, 88), (128, 36, 44), (128, 18, 22), (128, 9, 11)))
    )
    decoder = network.Decoder()
    decoder.measure(seen)
    with torch.no_grad():
        trained, used = decoder.train()(seen), decoder.eval()(seen)
    for one, other in zip(trained, used, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_people_teach_the_trunk_nothing(train: dict[str, ModuleType], yolox: Path) -> None:
    """A dozen cameras are too few to learn from what people look like: only vehicles reach the trunk."""
    trunk = train["trunk"].load_trunk(yolox).requires_grad_(True)
    decoder = train["network"].Decoder().train()
    decoder.head.bias.data.fill_(0)
    out = decoder.outputs(trunk(torch.rand(1, 3, 288, 352)))
    (out.groups[:, 0].sum() + out.class_logits.sum()).backward(retain_graph=True)
    assert not any(weight.grad is not None and weight.grad.any() for weight in trunk.parameters())
    assert all(weight.grad is not None and weight.grad.any() for weight in decoder.parameters())
    out.groups[:, 1].sum().backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in trunk.parameters())


def test_people_vehicles_and_classes_share_nothing_after_the_trunk(train: dict[str, ModuleType]) -> None:
    network, features = train["network"], train["trunk"].Features
    seen = features(*(torch.rand(1, channels, 72 >> i, 88 >> i) for i, channels in enumerate((32, 128, 128, 128))))
    decoder = network.Decoder().eval()
    with torch.no_grad():
        groups, classes = decoder(seen)
        decoder.laterals["at_8"].narrow.weight[network.WIDTH : 2 * network.WIDTH] += 1  # of vehicles
        others, same = decoder(seen)
    torch.testing.assert_close(groups[:, 0], others[:, 0])
    torch.testing.assert_close(classes, same)
    assert (groups[:, 1] - others[:, 1]).abs().max() > 1e-4


def test_an_order_shows_every_row_once_a_pass(train: dict[str, ModuleType]) -> None:
    rows = np.arange(0, 96, 3)
    order = train["train"].orders(rows, 8, (1, 0, 0))
    for _ in range(3):
        np.testing.assert_array_equal(np.sort(np.concatenate([next(order) for _ in range(4)])), rows)
