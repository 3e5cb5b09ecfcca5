/**
 * A camera's day drawn as SVG: the mean in steps with its interval over the usual range, the peak, gaps hatched, two
 * strips below.
 */

import { type Counted, type Day, type UsualWindow, tickStep } from "./day.ts";
import { s } from "./dom.ts";
import { percent } from "./format.ts";
import { type Span, clock } from "./time.ts";

export interface ChartOptions {
  readonly day: Day;
  readonly span: Span;
  readonly timezone: string;
  readonly width: number;
  readonly label: string;
  /** What the scale reaches at least, so that a day of next to nothing does not fill it. */
  readonly least: number;
  /** The pointer is over this moment, or has left. */
  readonly probe: (moment: number | null) => void;
  readonly pick: (moment: number) => void;
}

const LEFT = 38;
const RIGHT = 10;
const TOP = 8;
const PLOT = 150;
const STRIP = 20;
const STRIP_GAP = 20;
const AXIS = 20;
const HOUR_MS = 3_600_000;
/** Windows narrower than this are joined at their middles: steps would run into one thick band. */
const STEP_WIDTH = 4;

export class DayChart {
  readonly element: SVGSVGElement;
  readonly #cursor = s("rect", { class: "cursor", y: TOP, width: 0, height: 0 });
  readonly #options: ChartOptions;

  constructor(options: ChartOptions) {
    this.#options = options;
    const stripsTop = TOP + PLOT + AXIS + STRIP_GAP;
    const height = stripsTop + 2 * STRIP + STRIP_GAP + 4;
    this.element = s(
      "svg",
      { class: "chart", width: options.width, height, viewBox: `0 0 ${options.width} ${height}`, role: "img" },
      s("title", {}, options.label),
      hatching(),
    );
    const windows = options.day.runs.flat();
    const usual = options.day.usual.flat().map(({ high }) => high);
    const top = Math.max(options.least, ...windows.map((each) => Math.max(each.high, each.peak)), ...usual);
    const step = tickStep(top, 4);
    const y = (value: number): number => TOP + PLOT - (value / (Math.ceil(top / step) * step)) * PLOT;
    this.element.append(...this.#grid(y, Math.ceil(top / step) * step, step), ...this.#gaps(TOP, PLOT));
    for (const run of options.day.usual) this.element.append(...this.#usual(run, y));
    for (const run of options.day.runs) this.element.append(...this.#run(run, y));
    this.element.append(
      ...this.#strip("standing still", stripsTop, windows, (each) => each.stationaryShare),
      ...this.#strip("coverage", stripsTop + STRIP + STRIP_GAP, windows, (each) => each.coverage),
      this.#cursor,
    );
    this.#cursor.setAttribute("height", String(height - TOP));
    this.element.addEventListener("pointermove", (event) => options.probe(this.#momentAt(event)));
    this.element.addEventListener("pointerleave", () => options.probe(null));
    this.element.addEventListener("click", (event) => {
      const moment = this.#momentAt(event);
      if (moment !== null) options.pick(moment);
    });
  }

  /** Mark the window shown on the map. */
  setCursor({ start, end }: Span): void {
    this.#cursor.setAttribute("x", String(this.#x(start)));
    this.#cursor.setAttribute("width", String(Math.max(2, this.#x(end) - this.#x(start))));
  }

  #x(moment: number): number {
    const { span, width } = this.#options;
    return LEFT + ((moment - span.start) / (span.end - span.start)) * (width - LEFT - RIGHT);
  }

  #momentAt(event: MouseEvent): number | null {
    const { span, width } = this.#options;
    const share = (event.clientX - this.element.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
    return share >= 0 && share < 1 ? span.start + share * (span.end - span.start) : null;
  }

  #grid(y: (value: number) => number, top: number, step: number): SVGElement[] {
    const { span, timezone, width } = this.#options;
    const drawn: SVGElement[] = [];
    for (let value = 0; value <= top; value += step) {
      drawn.push(
        s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
        s("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(+value.toFixed(2))),
      );
    }
    const hours = width < 420 ? 6 : 3;
    // The hour after the last is written too, as a day ends at 00:00.
    for (let moment = span.start; moment <= span.end; moment += HOUR_MS) {
      const time = clock(moment, timezone);
      if (!time.endsWith(":00") || Number(time.slice(0, 2)) % hours !== 0) continue;
      const x = this.#x(moment);
      drawn.push(
        s("line", { class: "grid", x1: x, x2: x, y1: TOP, y2: TOP + PLOT + 4 }),
        s("text", { class: "tick", x, y: TOP + PLOT + 16, "text-anchor": "middle" }, time.slice(0, 2)),
      );
    }
    return drawn;
  }

  #gaps(top: number, height: number): SVGElement[] {
    const { day, timezone } = this.#options;
    return day.gaps.map(({ start, end, reason }) => {
      const x = this.#x(start);
      const title = `${clock(start, timezone)}–${clock(end, timezone)} no data: ${reason}`;
      return s(
        "rect",
        { class: "gap", x, y: top, width: Math.max(1, this.#x(end) - x), height, fill: "url(#hatching)" },
        s("title", {}, title),
      );
    });
  }

  /** Where nine of ten such windows lie, and the middle of them. */
  #usual(run: readonly UsualWindow[], y: (value: number) => number): SVGElement[] {
    const { line } = this.#lines(run, y);
    const band = [...line((each) => each.high), ...line((each) => each.low).toReversed()];
    return [
      s("path", { class: "usual", d: `M${band.join("L")}Z` }),
      s("path", { class: "expected", d: `M${line((each) => each.expected).join("L")}` }),
    ];
  }

  #run(run: readonly Counted[], y: (value: number) => number): SVGElement[] {
    const { line, stepped } = this.#lines(run, y);
    const band = [...line((each) => each.high), ...line((each) => each.low).toReversed()];
    const peaks = run.map((each) => `M${this.#x(each.start)} ${y(each.peak)}H${this.#x(each.end)}`).join("");
    return [
      s("path", { class: "interval", d: `M${band.join("L")}Z` }),
      s("path", { class: "peak", d: peaks }),
      s("path", { class: stepped ? "mean" : "mean fine", d: `M${line((each) => each.mean).join("L")}` }),
    ];
  }

  /** The line through a run of windows: in steps, or where they are narrow through their middles. */
  #lines<T extends Span>(
    run: readonly T[],
    y: (value: number) => number,
  ): { stepped: boolean; line: (value: (each: T) => number) => [number, number][] } {
    const [first] = run;
    const wide = first !== undefined && this.#x(first.end) - this.#x(first.start) >= STEP_WIDTH;
    const stepped = wide || run.length === 1;
    const points = (each: T, value: number): [number, number][] =>
      stepped
        ? [
            [this.#x(each.start), y(value)],
            [this.#x(each.end), y(value)],
          ]
        : [[this.#x((each.start + each.end) / 2), y(value)]];
    return { stepped, line: (value) => run.flatMap((each) => points(each, value(each))) };
  }

  /** A share of 0 to 1 over the day, as bars. */
  #strip(
    name: string,
    top: number,
    windows: readonly Counted[],
    share: (window: Counted) => number | null,
  ): SVGElement[] {
    const { width, timezone } = this.#options;
    const bars = windows.flatMap((each) => {
      const value = share(each);
      if (value === null) return [];
      const x = this.#x(each.start);
      const height = Math.max(1, value * STRIP);
      const title = `${clock(each.start, timezone)} ${name} ${percent(value)}`;
      return s(
        "rect",
        {
          class: each.partial ? "bar partial" : "bar",
          x,
          y: top + STRIP - height,
          width: Math.max(1, this.#x(each.end) - x - 0.5),
          height,
        },
        s("title", {}, title),
      );
    });
    return [
      s("text", { class: "tick name", x: LEFT, y: top - 5 }, `${name}, %`),
      s("text", { class: "tick", x: LEFT - 6, y: top + 8, "text-anchor": "end" }, "100"),
      s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: top + STRIP, y2: top + STRIP }),
      ...this.#gaps(top, STRIP),
      ...bars,
    ];
  }
}

function hatching(): SVGDefsElement {
  return s(
    "defs",
    {},
    s(
      "pattern",
      { id: "hatching", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      s("rect", { class: "hatch-ground", width: 6, height: 6 }),
      s("line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 6 }),
    ),
  );
}
