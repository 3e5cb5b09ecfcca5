"""A camera's counts against counts by hand, and the calibration that follows from them."""
