"""The answers: routes, formats and the web pages. Knows no picture and no model."""
