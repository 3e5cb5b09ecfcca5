/** What the picture shows, as SVG shapes in pixels of the camera's picture. */

import { s } from "../dom.ts";
import { centroid } from "../places.ts";
import { type Draft, type DraftZone, midway } from "./draft.ts";
import { type Handle, keyOf } from "./handles.ts";
import { COLOUR } from "./kinds.ts";
import type { Judgement, KnownSizes, PointPx } from "./site.ts";
import { area, metres } from "./written.ts";

export type Mode = "zones" | "points";

/** How often larger than it is the error of a point is drawn. */
export const ERROR_SCALE = 10;
const EMPTY_GRID_PX = 32;
/** Of the labels, on the screen. */
const LETTER_PX = 8;
const LINE_PX = 14;

export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly mode: Mode;
  readonly draft: Draft;
  readonly chosen: number | null;
  readonly judgement: Judgement | null;
  readonly sizes: KnownSizes | null;
  /** Where the plane sees the map's points, in their order; null where it sees them nowhere. */
  readonly expected: readonly (PointPx | null)[];
  /** Address of the background, where there is one. */
  readonly background: string | null;
  /** Picture pixels to a pixel of the screen. */
  readonly unit: number;
}

function path(corners: readonly PointPx[], closed = false): string {
  return corners.map(([x, y], at) => `${at === 0 ? "M" : "L"}${x} ${y}`).join("") + (closed ? "Z" : "");
}

function label(text: string, [x, y]: PointPx, kind: string): SVGTextElement {
  return s("text", { x, y, class: `label ${kind}` }, text);
}

/** Name and area of a zone at its middle, or as near to it as they fit into the picture. */
function title(lines: readonly string[], [x, y]: PointPx, { width, height, unit }: Scene): SVGElement[] {
  const half = (Math.max(...lines.map((line) => line.length)) * LETTER_PX * unit) / 2;
  const within = (value: number, margin: number, most: number): number =>
    Math.min(Math.max(value, margin), Math.max(most - margin, margin));
  const [cx, cy] = [within(x, half, width), within(y, LINE_PX * unit, height)];
  const top = cy - ((lines.length - 1) * LINE_PX * unit) / 2;
  return lines.map((line, at) => label(line, [cx, top + at * LINE_PX * unit], at === 0 ? "zone-name" : ""));
}

/** Something to take hold of: a mark, and a larger place around it that takes the pointer. */
function grip(handle: Handle, [x, y]: PointPx, name: string | null, unit: number, mark: SVGElement): SVGGElement {
  const focusable = name === null ? {} : { tabindex: 0, role: "button", "aria-label": name };
  const reach = s("circle", { cx: x, cy: y, r: 9 * unit, class: "reach" });
  return s("g", { class: `grip ${handle.of}`, "data-handle": keyOf(handle), ...focusable }, reach, mark);
}

function said([x, y]: PointPx): string {
  return `${Math.round(x * 10) / 10}, ${Math.round(y * 10) / 10}`;
}

/** What lies under everything: the background, or a frame to draw in without it. */
export function ground({ width, height, background }: Scene): SVGElement[] {
  if (background !== null) return [s("image", { href: background, width, height, class: "background" })];
  const lines: string[] = [];
  for (let x = EMPTY_GRID_PX; x < width; x += EMPTY_GRID_PX) lines.push(`M${x} 0V${height}`);
  for (let y = EMPTY_GRID_PX; y < height; y += EMPTY_GRID_PX) lines.push(`M0 ${y}H${width}`);
  return [
    s("rect", { width, height, class: "empty" }),
    s("path", { d: lines.join(""), class: "empty" }),
    s("text", { x: width / 2, y: height / 2, class: "label empty" }, "No picture yet: show the background, or draw without it"),
  ];
}

/** The metres of the fitted plane. */
export function plane({ judgement }: Scene): SVGElement[] {
  if (!judgement) return [];
  const { grid, horizon } = judgement;
  const lines = grid.length > 0 ? [s("path", { d: grid.map((line) => path(line)).join(""), class: "metre-grid" })] : [];
  return horizon ? [...lines, s("path", { d: path(horizon), class: "horizon" })] : lines;
}

/** The centroid of a zone; of one that crosses itself, where that may be anywhere, the mean of its corners. */
function middleOf({ corners }: DraftZone, crossed: boolean): PointPx {
  if (!crossed) return centroid([...corners, ...corners.slice(0, 1)].map(([x, y]) => [x, y]));
  const mean = (axis: 0 | 1): number => corners.reduce((sum, px) => sum + px[axis], 0) / corners.length;
  return [mean(0), mean(1)];
}

export function zones(scene: Scene): SVGElement[] {
  const { draft, chosen, judgement, mode } = scene;
  const shapes: SVGElement[] = [];
  const labels: SVGElement[] = [];
  draft.zones.forEach((zone, at) => {
    const judged = judgement?.zones.find((each) => each.id === zone.id);
    const state = `${judged?.refused ? "refused" : ""} ${at === chosen && mode === "zones" ? "chosen" : ""}`;
    const d = path(zone.corners, true);
    const colour = COLOUR[zone.kind];
    shapes.push(
      s(
        "g",
        { class: `zone ${state}` },
        s("path", { d, class: "fill", fill: colour }),
        s("path", { d, class: "casing" }),
        s("path", { d, class: "edge", stroke: colour }),
        s("path", { d, class: "reach", "data-zone": at }),
      ),
    );
    const size = judged?.area_m2 == null ? [] : [area(judged.area_m2, judged.area_error)];
    labels.push(...title([zone.name, ...size], middleOf(zone, judged?.refused != null), scene));
  });
  return [...shapes, ...labels];
}

/** The corners of the chosen zone, and those of the one that is being drawn. */
export function corners({ draft, chosen, mode, unit }: Scene): SVGElement[] {
  if (mode !== "zones") return [];
  const mark = ([cx, cy]: PointPx, r: number, kind: string): SVGElement =>
    s("circle", { cx, cy, r: r * unit, class: kind });
  if (draft.ring.length > 0) {
    const last = draft.ring.length - 1;
    const ends = draft.ring.map((px, at) => {
      const kind = at === 0 || at === last ? "corner-mark end" : "corner-mark";
      return grip({ of: "ring", at }, px, null, unit, mark(px, at === last ? 6 : 5, kind));
    });
    return [s("path", { d: path(draft.ring), class: "ring-casing" }), s("path", { d: path(draft.ring), class: "ring-line" }), ...ends];
  }
  const zone = chosen === null ? undefined : draft.zones[chosen];
  if (!zone || chosen === null) return [];
  const middles = zone.corners.map((_, at) => {
    const px = midway(zone.corners, at);
    return grip({ of: "middle", zone: chosen, at }, px, null, unit, mark(px, 3, "middle-mark"));
  });
  const ends = zone.corners.map((px, at) => {
    const name = `${zone.name}, corner ${at + 1} at ${said(px)}`;
    return grip({ of: "corner", zone: chosen, at }, px, name, unit, mark(px, 5, "corner-mark"));
  });
  return [...middles, ...ends];
}

/** The matched points with their errors, and the one that waits for its place on the map. */
export function points({ draft, expected, judgement, mode, unit }: Scene): SVGElement[] {
  const drawn: SVGElement[] = [];
  const cross = ([x, y]: PointPx, kind: string): SVGElement => {
    const arm = 7 * unit;
    const d = `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`;
    return s("g", { class: kind }, s("path", { d, class: "casing" }), s("path", { d, class: "arms" }));
  };
  const grabbable = (handle: Handle, px: PointPx, name: string, mark: SVGElement): SVGElement =>
    mode === "points" ? grip(handle, px, name, unit, mark) : mark;
  draft.points.forEach((point, at) => {
    const { px } = point;
    const [x, y] = px;
    const [ex, ey] = expected[at] ?? px;
    const outvoted = judgement?.fit?.points[at]?.used === false;
    const error = path([px, [x + (ex - x) * ERROR_SCALE, y + (ey - y) * ERROR_SCALE]]);
    drawn.push(s("path", { d: error, class: "error" }));
    const kind = outvoted ? "point-mark outvoted" : "point-mark";
    const name = `Point ${at + 1}, ${point.what}, at ${said(px)}`;
    drawn.push(grabbable({ of: "point", at }, px, name, cross(px, kind)));
    drawn.push(label(String(at + 1), [x + 10 * unit, y - 5 * unit], "number"));
  });
  if (draft.pending) {
    const [x, y] = draft.pending;
    const name = `Point ${draft.points.length + 1}, at ${said(draft.pending)}, not on the map yet`;
    drawn.push(grabbable({ of: "pending" }, draft.pending, name, cross(draft.pending, "point-mark waiting")));
    drawn.push(label(String(draft.points.length + 1), [x + 10 * unit, y - 5 * unit], "number"));
  }
  return drawn;
}

/** What the file says of sizes in the scene. */
export function sizes({ sizes: known }: Scene): SVGElement[] {
  if (!known) return [];
  const line = (from: PointPx, to: PointPx, kind: string): SVGElement => s("path", { d: path([from, to]), class: kind });
  const measured = (from: PointPx, to: PointPx, length: number): SVGElement[] => [
    line(from, to, "length casing"),
    line(from, to, "length"),
    label(metres(length), [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2], "size"),
  ];
  return [
    ...known.parallels.flatMap(({ lines }) => lines.map(([from, to]) => line(from, to, "parallel"))),
    ...known.lengths.flatMap((each) => measured(each.from_px, each.to_px, each.length_m)),
    ...known.heights.flatMap((each) => measured(each.foot_px, each.top_px, each.height_m)),
  ];
}
