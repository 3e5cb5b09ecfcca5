"""How well models count: against frames labelled by eye, side by side, and beside always guessing the mean."""

from detect.evaluation.figures import Comparison, Errors, Evaluation
from detect.evaluation.side_by_side import compare, evaluate

__all__ = ["Comparison", "Errors", "Evaluation", "compare", "evaluate"]
