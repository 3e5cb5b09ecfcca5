/** The camera marks as pictures, drawn once per theme: used by the map (pixels) and by the legend (SVG). */

import { CLASS_COUNT, colour, radius } from "./colours.ts";
import { densityColour } from "./densities.ts";
import { s } from "./dom.ts";

export interface MarkImage {
  readonly name: string;
  readonly data: ImageData;
  readonly pixelRatio: number;
}

interface Ink {
  readonly line: string;
  readonly gap: string;
  readonly missing: string;
}

const PIXEL_RATIO = 3;
const MISSING_RADIUS = 7;
const RING_GAP = 3.5;

function ink(dark: boolean): Ink {
  return dark
    ? { line: "#f2f4f7", gap: "#151a21", missing: "#a3abb6" }
    : { line: "#16202c", gap: "#ffffff", missing: "#68707c" };
}

/** A disc is a count; a disc in a broken ring is a count from too few clips; a struck-out diamond is no data. */
export function markNames(): string[] {
  const classes = Array.from({ length: CLASS_COUNT }, (_, index) => `class-${index}`);
  return [...classes, ...classes.map((name) => `${name}-partial`), "missing"];
}

function parsed(name: string): { index: number; partial: boolean } | null {
  const found = /^class-(\d)(-partial)?$/.exec(name);
  return found ? { index: Number(found[1]), partial: found[2] !== undefined } : null;
}

/** A mark as SVG, centred in a square of `size` CSS pixels. */
export function markSvg(name: string, dark: boolean, size: number): SVGSVGElement {
  const { line, gap, missing } = ink(dark);
  const middle = size / 2;
  const mark = parsed(name);
  const root = s("svg", { width: size, height: size, viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" });
  if (!mark) {
    const r = MISSING_RADIUS;
    root.append(
      s("path", {
        d: `M${middle} ${middle - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`,
        fill: gap,
        stroke: missing,
        "stroke-width": 2,
        "stroke-linejoin": "round",
      }),
      s("path", { d: `M${middle - r / 2} ${middle + r / 2}l${r} ${-r}`, stroke: missing, "stroke-width": 2 }),
    );
    return root;
  }
  const r = radius(mark.index);
  if (mark.partial) {
    const ring = r + RING_GAP;
    const dash = (2 * Math.PI * ring) / 8;
    root.append(
      s("circle", { cx: middle, cy: middle, r: ring, fill: gap, "fill-opacity": 0.85 }),
      s("circle", {
        cx: middle,
        cy: middle,
        r: ring,
        fill: "none",
        stroke: line,
        "stroke-width": 1.75,
        "stroke-dasharray": `${dash * 0.6} ${dash * 0.4}`,
      }),
    );
  }
  root.append(
    s("circle", { cx: middle, cy: middle, r, fill: colour(mark.index, dark), stroke: line, "stroke-width": 1.25 }),
  );
  return root;
}

/** CSS pixels a mark of any kind fits into. */
export const MARK_SIZE = 2 * (radius(CLASS_COUNT - 1) + RING_GAP + 1.5);

/** Every mark as an image for the map. Drawn by canvas rather than loaded, so no request is made. */
export function markImages(dark: boolean): MarkImage[] {
  const size = Math.ceil(MARK_SIZE);
  return markNames().map((name) => {
    const context = blank(size * PIXEL_RATIO);
    context.scale(PIXEL_RATIO, PIXEL_RATIO);
    paint(context, markSvg(name, dark, size));
    const data = context.getImageData(0, 0, size * PIXEL_RATIO, size * PIXEL_RATIO);
    return { name, data, pixelRatio: PIXEL_RATIO };
  });
}

const SWATCH = { width: 26, height: 18 } as const;

/** A piece of a zone for the legend: its class, with a broken outline where `partial`; hatched where it has none. */
export function zoneSvg(index: number | null, partial: boolean, dark: boolean): SVGSVGElement {
  const { line, gap, missing } = ink(dark);
  const { width, height } = SWATCH;
  const fill = index === null ? gap : densityColour(index, dark);
  const stroke = index === null ? missing : line;
  const shape = { x: 1, y: 1, width: width - 2, height: height - 2, rx: 2, fill, stroke, "stroke-width": 1.5 };
  const about = { class: "swatch", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" };
  const root = s("svg", about);
  root.append(s("rect", { ...shape, "stroke-dasharray": partial ? "4 3" : null }));
  const hatches = [0, 8, 16].map((x) => `M${x + 1} ${height - 1}l${height - 2} ${2 - height}`).join("");
  if (index === null) root.append(s("path", { d: hatches, stroke: missing, "stroke-width": 1.25 }));
  return root;
}

/** What fills zones: the colour of each class and, for those without a figure, hatching that repeats without a seam. */
export function zoneFills(dark: boolean): MarkImage[] {
  const { gap, missing } = ink(dark);
  const size = 8 * PIXEL_RATIO;
  return Array.from({ length: CLASS_COUNT + 1 }, (_, index) => {
    const hatched = index === CLASS_COUNT;
    const context = blank(size);
    context.fillStyle = hatched ? gap : densityColour(index, dark);
    context.fillRect(0, 0, size, size);
    if (hatched) {
      context.strokeStyle = missing;
      context.lineWidth = 1.25 * PIXEL_RATIO;
      for (const shift of [-size, 0, size]) {
        context.moveTo(shift - 1, size + 1);
        context.lineTo(shift + size + 1, -1);
      }
      context.stroke();
    }
    const name = hatched ? "no-figure" : `density-${index}`;
    return { name, data: context.getImageData(0, 0, size, size), pixelRatio: PIXEL_RATIO };
  });
}

function blank(size: number): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser gives no 2D canvas");
  return context;
}

/** Paint the few SVG shapes a mark is made of. */
function paint(context: CanvasRenderingContext2D, picture: SVGSVGElement): void {
  for (const shape of picture.children) {
    const value = (name: string, otherwise = ""): string => shape.getAttribute(name) ?? otherwise;
    const path = new Path2D(shape.tagName === "path" ? value("d") : undefined);
    const [cx = 0, cy = 0, r = 0] = ["cx", "cy", "r"].map((name) => Number(value(name)));
    if (shape.tagName === "circle") path.arc(cx, cy, r, 0, 2 * Math.PI);
    const fill = value("fill", "none");
    if (fill !== "none") {
      context.globalAlpha = Number(value("fill-opacity", "1"));
      context.fillStyle = fill;
      context.fill(path);
      context.globalAlpha = 1;
    }
    const stroke = value("stroke");
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = Number(value("stroke-width", "1"));
      context.lineJoin = "round";
      context.setLineDash(value("stroke-dasharray").split(" ").filter(Boolean).map(Number));
      context.stroke(path);
    }
  }
}
