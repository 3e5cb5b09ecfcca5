"""What the embedded store's errors say: what happened, and what helps."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from aggregate.duckdb_file import cannot_be_used
from aggregate.duckdb_store import DuckDBStore
from core.errors import StoreError

GAVE_UP = """FATAL Error: Failed: database has been invalidated because of a previous fatal error. The database must \
be restarted prior to being used again.
Original error: "Failed to create checkpoint because of error: {why}

Possible solutions:
* Increasing the memory limit (SET memory_limit='...GB')"
"""


def test_a_store_that_needs_more_memory_than_it_may_have_names_the_setting(tmp_path: Path) -> None:
    store = DuckDBStore.open(tmp_path / "small.duckdb", memory_mb=8)
    try:
        with pytest.raises(StoreError, match=r"small\.duckdb cannot be used: Out of Memory Error") as caught:
            store._engine.read("SELECT list(n ORDER BY n) AS all_of_them FROM range(10_000_000) AS of(n)")
    finally:
        store.close()
    assert caught.value.remedy == "give it more memory, as store.memory_mb; what was committed before is safe"


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        (
            "failed to pin block of size 256.0 KiB (63.8 MiB/64.0 MiB used)",
            "give it more memory, as store.memory_mb; what was committed before is safe",
        ),
        (
            'Could not write all bytes to file "a.duckdb": wanted=262144 wrote=4096',
            "check the disk's free space and rights; what was committed before is safe",
        ),
    ],
)
def test_an_engine_that_gave_up_says_why_it_did_and_not_that_it_did(why: str, remedy: str) -> None:
    error = cannot_be_used("the store a.duckdb", duckdb.FatalException(GAVE_UP.format(why=why)))
    assert str(error).startswith(
        f"the store a.duckdb cannot be used: Failed to create checkpoint because of error: {why}"
    )
    assert error.remedy == remedy
