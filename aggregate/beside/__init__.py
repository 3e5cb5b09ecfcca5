"""Loops beside cameras: what passes a street and what is present in it, each held against the other."""
