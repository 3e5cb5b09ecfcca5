/** The camera's picture, to draw in with pointer and keyboard. It shows a scene and says what the reader does. */

import { s } from "../dom.ts";
import { ARROWS } from "./arrows.ts";
import { inside } from "./draft.ts";
import { type Handle, handleOf, keyOf } from "./handles.ts";
import { type Scene, corners, ground, plane, points, sizes, zones } from "./scene.ts";
import type { PointPx } from "./site.ts";

export interface PictureListener {
  /** A place was clicked, or Enter pressed at it. */
  place(px: PointPx): void;
  /** A handle was clicked without dragging it. */
  press(handle: Handle): void;
  /** A handle is moved; what comes back is the handle that is moved from then on. */
  drag(handle: Handle, px: PointPx, gesture: string): Handle;
  remove(handle: Handle): void;
  /** A corner is wanted after this one. */
  insert(handle: Handle): void;
  /** The line of a zone was clicked. */
  choose(zone: number): void;
  /** The pointer or the crosshair is there, or nowhere. */
  point(px: PointPx | null): void;
  back(): void;
  escape(): void;
}

interface Press {
  readonly pointer: number;
  readonly from: readonly [number, number];
  /** From the pointer to the middle of the handle, in picture pixels. */
  readonly offset: PointPx;
  readonly zone: number | null;
  readonly gesture: string;
  handle: Handle | null;
  dragged: boolean;
}

const DRAG_AFTER_PX = 3;
/** How near, in picture pixels, the keyboard's crosshair has to be to a corner to be on it. */
const ON_CORNER_PX = 1.5;

export class Picture {
  readonly #svg: SVGSVGElement;
  readonly #listener: PictureListener;
  readonly #width: number;
  readonly #height: number;
  readonly #layers = {
    ground: s("g"),
    plane: s("g"),
    zones: s("g"),
    sizes: s("g"),
    points: s("g"),
    corners: s("g"),
    crosshair: s("g", { class: "crosshair" }),
  };
  #crosshair: PointPx;
  #press: Press | null = null;
  #gestures = 0;
  #scene: Omit<Scene, "unit"> | null = null;
  #unit = 1;

  constructor(host: HTMLElement, size: { width: number; height: number }, name: string, listener: PictureListener) {
    this.#listener = listener;
    ({ width: this.#width, height: this.#height } = size);
    this.#crosshair = inside([this.#width / 2, this.#height / 2], size);
    this.#svg = s("svg", {
      viewBox: `0 0 ${this.#width} ${this.#height}`,
      tabindex: 0,
      role: "application",
      "aria-label": `Picture of ${name}, ${this.#width} by ${this.#height} pixels`,
      "aria-describedby": "told",
    });
    this.#svg.append(...Object.values(this.#layers));
    host.replaceChildren(this.#svg);
    new ResizeObserver(() => this.#resize(host)).observe(host);
    this.#svg.addEventListener("pointerdown", (event) => this.#down(event));
    this.#svg.addEventListener("pointermove", (event) => this.#move(event));
    this.#svg.addEventListener("pointerup", (event) => this.#up(event));
    this.#svg.addEventListener("pointercancel", () => (this.#press = null));
    this.#svg.addEventListener("pointerleave", () => listener.point(null));
    this.#svg.addEventListener("keydown", (event) => this.#key(event));
  }

  show(scene: Omit<Scene, "unit">): void {
    this.#scene = scene;
    this.#draw();
  }

  focus(handle: Handle | null = null): void {
    const target = handle ? this.#svg.querySelector<SVGElement>(`[data-handle="${keyOf(handle)}"]`) : null;
    (target ?? this.#svg).focus({ preventScroll: true });
  }

  /** The largest whole multiple of the picture that fits, so that its pixels stay square; smaller where none does. */
  #resize(host: HTMLElement): void {
    const times = host.clientWidth / this.#width;
    const scale = times >= 1 ? Math.floor(times) : times;
    if (scale <= 0) return;
    this.#unit = 1 / scale;
    this.#svg.setAttribute("width", String(this.#width * scale));
    this.#svg.setAttribute("height", String(this.#height * scale));
    this.#svg.style.setProperty("--unit", `${this.#unit}px`);
    this.#draw();
  }

  #draw(): void {
    if (!this.#scene) return;
    const scene: Scene = { ...this.#scene, unit: this.#unit };
    const held = document.activeElement?.closest<SVGElement>("[data-handle]")?.dataset["handle"] ?? null;
    const within = held !== null && this.#svg.contains(document.activeElement);
    this.#svg.dataset["mode"] = scene.mode;
    const { ring, zones: all, points: matched, pending } = scene.draft;
    this.#svg.classList.toggle("drawing", ring.length > 0);
    const empty = ring.length + all.length + matched.length === 0 && pending === null && scene.sizes === null;
    this.#svg.classList.toggle("begun", !empty);
    if (this.#layers.ground.dataset["of"] !== String(scene.background)) {
      this.#layers.ground.replaceChildren(...ground(scene));
      this.#layers.ground.dataset["of"] = String(scene.background);
    }
    this.#layers.plane.replaceChildren(...plane(scene));
    this.#layers.zones.replaceChildren(...zones(scene));
    this.#layers.sizes.replaceChildren(...sizes(scene));
    this.#layers.points.replaceChildren(...points(scene));
    this.#layers.corners.replaceChildren(...corners(scene));
    this.#aim(this.#crosshair);
    if (within && held !== null) this.focus(handleOf(held));
  }

  #aim([x, y]: PointPx): void {
    this.#crosshair = [x, y];
    const gap = 4 * this.#unit;
    const d = `M0 ${y}H${x - gap}M${x + gap} ${y}H${this.#width}M${x} 0V${y - gap}M${x} ${y + gap}V${this.#height}`;
    this.#layers.crosshair.replaceChildren(s("path", { d, class: "casing" }), s("path", { d, class: "hair" }));
  }

  #at(event: PointerEvent): PointPx {
    const box = this.#svg.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.#width,
      ((event.clientY - box.top) / box.height) * this.#height,
    ];
  }

  #inside(px: PointPx): PointPx {
    return inside(px, { width: this.#width, height: this.#height });
  }

  #place(handle: Handle): PointPx | null {
    const draft = this.#scene?.draft;
    switch (handle.of) {
      case "corner":
        return draft?.zones[handle.zone]?.corners[handle.at] ?? null;
      case "ring":
        return draft?.ring[handle.at] ?? null;
      case "point":
        return draft?.points[handle.at]?.px ?? null;
      case "pending":
        return draft?.pending ?? null;
      case "middle":
        return null;
    }
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    const target = event.target as Element;
    const key = target.closest<SVGElement>("[data-handle]")?.dataset["handle"];
    const zone = target.closest<SVGElement>("[data-zone]")?.dataset["zone"];
    const handle = key === undefined ? null : handleOf(key);
    const [x, y] = this.#at(event);
    const [hx, hy] = (handle && this.#place(handle)) ?? [x, y];
    this.#gestures += 1;
    this.#press = {
      pointer: event.pointerId,
      from: [event.clientX, event.clientY],
      offset: [hx - x, hy - y],
      zone: zone === undefined ? null : Number(zone),
      gesture: `drag ${this.#gestures}`,
      handle,
      dragged: false,
    };
    this.#svg.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent): void {
    const here = this.#at(event);
    this.#svg.classList.remove("keyed");
    this.#listener.point(this.#inside(here));
    const press = this.#press;
    if (press?.pointer !== event.pointerId || !press.handle) return;
    const [x, y] = press.from;
    press.dragged ||= Math.hypot(event.clientX - x, event.clientY - y) > DRAG_AFTER_PX;
    if (!press.dragged) return;
    const px = this.#inside([here[0] + press.offset[0], here[1] + press.offset[1]]);
    press.handle = this.#listener.drag(press.handle, px, press.gesture);
  }

  #up(event: PointerEvent): void {
    const press = this.#press;
    if (press?.pointer !== event.pointerId) return;
    this.#press = null;
    if (press.dragged) return;
    const px = this.#inside(this.#at(event));
    this.#aim(px);
    if (press.handle) this.#listener.press(press.handle);
    else if (press.zone !== null) this.#listener.choose(press.zone);
    else this.#listener.place(px);
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const key = (event.target as Element).closest<SVGElement>("[data-handle]")?.dataset["handle"];
    const done = key === undefined ? this.#crosshairKey(event) : this.#handleKey(event, handleOf(key));
    if (done) event.preventDefault();
  }

  #crosshairKey(event: KeyboardEvent): boolean {
    const step = ARROWS[event.key];
    this.#svg.classList.add("keyed");
    if (step) {
      const by = event.shiftKey ? 10 : 1;
      this.#aim(this.#inside([this.#crosshair[0] + step[0] * by, this.#crosshair[1] + step[1] * by]));
      this.#listener.point(this.#crosshair);
      return true;
    }
    switch (event.key) {
      case "Enter":
      case " ":
        this.#enter();
        return true;
      case "Backspace":
      case "Delete":
        this.#listener.back();
        return true;
      case "Escape":
        this.#listener.escape();
        return true;
      default:
        return false;
    }
  }

  #enter(): void {
    const [x, y] = this.#crosshair;
    const ring = this.#scene?.mode === "zones" ? this.#scene.draft.ring : [];
    const at = ring.findIndex(([cx, cy]) => Math.hypot(cx - x, cy - y) <= ON_CORNER_PX);
    if (at >= 0) this.#listener.press({ of: "ring", at });
    else this.#listener.place(this.#crosshair);
  }

  #handleKey(event: KeyboardEvent, handle: Handle): boolean {
    const step = ARROWS[event.key];
    const from = this.#place(handle);
    if (step && from) {
      const by = event.shiftKey ? 10 : 1;
      const px = this.#inside([from[0] + step[0] * by, from[1] + step[1] * by]);
      this.#listener.drag(handle, px, `keys ${keyOf(handle)}`);
      return true;
    }
    switch (event.key) {
      case "Delete":
      case "Backspace":
        this.#listener.remove(handle);
        return true;
      case "Insert":
      case "+":
        this.#listener.insert(handle);
        return true;
      case "Escape":
        this.focus();
        return true;
      default:
        return false;
    }
  }
}
