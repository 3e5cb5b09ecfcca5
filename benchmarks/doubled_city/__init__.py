"""What the benchmarks of a whole city have in common: the feed double of the tests, and the system under test."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
