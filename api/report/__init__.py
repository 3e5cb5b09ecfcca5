"""A planner's report of a district and a period: gathered once, written as a page or as a PDF."""
