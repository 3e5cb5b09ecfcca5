"""Where the ground is in a camera's picture: planes, how they are fitted, and what zones cover on them. No pixels."""
