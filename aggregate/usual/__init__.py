"""What is usual: calendars, baselines, the busyness index, forecasts."""
