"""Simulated cities with a known effect planted in them."""
