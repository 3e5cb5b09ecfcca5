"""How good the figures are: held-out weeks of real series, against references, in one run."""
