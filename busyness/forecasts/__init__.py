"""What a backtest found, as tables, plots and a page."""
