"""Whole camera-days as they are watched: what is decided on each clip, and what a person saw in it."""
