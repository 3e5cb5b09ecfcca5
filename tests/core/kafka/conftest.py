"""kafka-python leaves the sockets of connections that were refused to the garbage collector: it is called here."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

LEFT = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("service") and "core/kafka" in str(item.path):
            item.add_marker(LEFT)
            item.add_marker(pytest.mark.timeout(240))  # on a busy machine a broker takes a minute to start


@pytest.fixture(autouse=True)
def no_sockets_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if request.node.get_closest_marker("service"):
        gc.collect()
