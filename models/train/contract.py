"""What every stage of making a network agrees on, without needing PyTorch."""

CLASSES = ("pedestrian", "cyclist", "motorcycle", "car", "van", "truck", "bus")
PEOPLE = slice(0, 2)
VEHICLES = slice(2, 7)
WIDTH_PX, HEIGHT_PX, STRIDE_PX = 352, 288, 4
GRID = (HEIGHT_PX // STRIDE_PX, WIDTH_PX // STRIDE_PX)  # cells, y then x
