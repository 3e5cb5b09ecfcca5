/** The camera marks as pictures, drawn once per theme: used by the map (pixels) and by the legend (SVG). */

import { CLASS_COUNT, radius } from "./colours.ts";
import { s } from "./dom.ts";
import { NO_FIGURE, fillColours } from "./fills.ts";
import { USUAL } from "./indices.ts";
import { CLASSES, SCALES, type Scale } from "./scales.ts";
import { MEASURES } from "./types.ts";

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

/**
 * A disc is a count or a density; against usual, a triangle points up where there are more and down where there are
 * fewer. In a broken ring it is of too few clips. A hatched disc was counted but has no figure of the measure; a
 * struck-out diamond was not counted.
 */
export function markNames(): string[] {
  const classes = MEASURES.flatMap((measure) => CLASSES.map((index) => `${measure}-${index}`));
  return [...classes, ...classes.map((name) => `${name}-partial`), "unknown", "missing"];
}

interface Mark {
  readonly scale: Scale;
  readonly index: number;
  readonly partial: boolean;
}

function parsed(name: string): Mark | null {
  const found = /^([a-z]+)-(\d)(-partial)?$/.exec(name);
  const measure = found && MEASURES.find((each) => each === found[1]);
  return measure ? { scale: SCALES[measure], index: Number(found[2]), partial: found[3] !== undefined } : null;
}

/** A mark as SVG, centred in a square of `size` CSS pixels. */
export function markSvg(name: string, dark: boolean, size: number): SVGSVGElement {
  const root = s("svg", { width: size, height: size, viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" });
  const mark = parsed(name);
  if (mark) root.append(...shapes(mark, dark, size / 2));
  else root.append(...(name === "unknown" ? hatchedDisc(dark, size / 2) : struckDiamond(dark, size / 2)));
  return root;
}

function struckDiamond(dark: boolean, middle: number): SVGElement[] {
  const { gap, missing } = ink(dark);
  const r = MISSING_RADIUS;
  const d = `M${middle} ${middle - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;
  return [
    s("path", { d, fill: gap, stroke: missing, "stroke-width": 2, "stroke-linejoin": "round" }),
    s("path", { d: `M${middle - r / 2} ${middle + r / 2}l${r} ${-r}`, stroke: missing, "stroke-width": 2 }),
  ];
}

function hatchedDisc(dark: boolean, middle: number): SVGElement[] {
  const { gap, missing } = ink(dark);
  const r = MISSING_RADIUS;
  const hatches = [-r / 2, 0, r / 2].map((off) => {
    const half = Math.sqrt(r * r - off * off) * Math.SQRT1_2;
    const [x, y] = [middle + off * Math.SQRT1_2, middle + off * Math.SQRT1_2];
    return `M${x - half} ${y + half}L${x + half} ${y - half}`;
  });
  return [
    s("circle", { cx: middle, cy: middle, r, fill: gap, stroke: missing, "stroke-width": 1.5 }),
    s("path", { d: hatches.join(""), stroke: missing, "stroke-width": 1.25 }),
  ];
}

function shapes({ scale, index, partial }: Mark, dark: boolean, middle: number): SVGElement[] {
  const { line, gap } = ink(dark);
  const r = scale.measure === "index" ? 6.5 + 1.75 * Math.abs(index - USUAL) : radius(index);
  const drawn: SVGElement[] = [];
  if (partial) {
    const ring = r + RING_GAP;
    const dash = (2 * Math.PI * ring) / 8;
    const around = { cx: middle, cy: middle, r: ring };
    const dashes = { "stroke-width": 1.75, "stroke-dasharray": `${dash * 0.6} ${dash * 0.4}` };
    drawn.push(
      s("circle", { ...around, fill: gap, "fill-opacity": 0.85 }),
      s("circle", { ...around, fill: "none", stroke: line, ...dashes }),
    );
  }
  const paint = { fill: scale.colour(index, dark), stroke: line, "stroke-width": 1.25, "stroke-linejoin": "round" };
  const pointed = scale.measure === "index" && index !== USUAL;
  if (!pointed) return [...drawn, s("circle", { cx: middle, cy: middle, r, ...paint })];
  const up = index > USUAL ? -1 : 1;
  // Of the height of the disc, so that the ring has room; its middle is that of the circle around it.
  const [tip, base, half] = [up * r, -up * r * 0.62, r * 0.98];
  const d = `M${middle} ${middle + tip}L${middle + half} ${middle + base}H${middle - half}z`;
  return [...drawn, s("path", { d, ...paint })];
}

/** CSS pixels a mark of any kind fits into. */
export const MARK_SIZE = 2 * (radius(CLASS_COUNT - 1) + RING_GAP + 1.5);

/** Every mark as an image for the map. Drawn by canvas rather than loaded, so no request is made. */
export function markImages(dark: boolean): MarkImage[] {
  const size = Math.ceil(MARK_SIZE);
  return markNames().map((name) => pictured(name, markSvg(name, dark, size), size));
}

function pictured(name: string, picture: SVGSVGElement, size: number): MarkImage {
  const context = blank(size * PIXEL_RATIO);
  context.scale(PIXEL_RATIO, PIXEL_RATIO);
  paint(context, picture);
  const data = context.getImageData(0, 0, size * PIXEL_RATIO, size * PIXEL_RATIO);
  return { name, data, pixelRatio: PIXEL_RATIO };
}

const CHANGE_SIZE = 26;

/** What was changed in a street: a flag in a square, which is no mark of a camera. */
export function changeSvg(dark: boolean): SVGSVGElement {
  const { line, gap } = ink(dark);
  const size = CHANGE_SIZE;
  const about = { width: size, height: size, viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" };
  return s(
    "svg",
    about,
    s("path", { d: "M3 3H23V23H3z", fill: line, stroke: gap, "stroke-width": 2, "stroke-linejoin": "round" }),
    s("path", { d: "M9 20V7", stroke: gap, "stroke-width": 2 }),
    s("path", { d: "M9 7H19L16 10.25L19 13.5H9z", fill: gap }),
  );
}

export function changeImage(dark: boolean): MarkImage {
  return pictured("change", changeSvg(dark), CHANGE_SIZE);
}

const SWATCH = { width: 26, height: 18 } as const;

/** A piece of a zone for the legend: its class, with a broken outline where `partial`; hatched where it has none. */
export function zoneSvg(scale: Scale, index: number | null, partial: boolean, dark: boolean): SVGSVGElement {
  const { line, gap, missing } = ink(dark);
  const { width, height } = SWATCH;
  const fill = index === null ? gap : scale.colour(index, dark);
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
  const size = 8 * PIXEL_RATIO;
  return [...fillColours(dark, ink(dark).gap)].map(([name, colour]) => {
    const context = blank(size);
    context.fillStyle = colour;
    context.fillRect(0, 0, size, size);
    if (name === NO_FIGURE) {
      context.strokeStyle = ink(dark).missing;
      context.lineWidth = 1.25 * PIXEL_RATIO;
      for (const shift of [-size, 0, size]) {
        context.moveTo(shift - 1, size + 1);
        context.lineTo(shift + size + 1, -1);
      }
      context.stroke();
    }
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
