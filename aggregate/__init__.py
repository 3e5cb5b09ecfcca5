"""From counts to figures: the store, event-time windows, readings. Knows no picture and no model."""
