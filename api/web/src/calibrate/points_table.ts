/** The matched points: where each is in the picture and on the map, and how far the fit is off at it. */

import { byId, h } from "../dom.ts";
import type { Draft } from "./draft.ts";
import { Field, matched } from "./fields.ts";
import type { Judgement, MapPoint, PointError, PointPx } from "./site.ts";
import { degrees, latLon, metres, number, pixels } from "./written.ts";

export interface PointsListener {
  /** Change a point; the one after the last is the pending one, which is matched by a place. */
  changePoint(at: number, patch: Partial<MapPoint>): void;
  match(lat: number, lon: number): void;
  movePending(px: PointPx): void;
  removePoint(at: number): void;
  complain(complaint: string): void;
}

const FARTHEST_OFF_M = 20;

class PointRow {
  readonly element: HTMLTableRowElement;
  readonly #at: number;
  readonly #listener: PointsListener;
  readonly #what: Field;
  readonly #x: Field;
  readonly #y: Field;
  readonly #lat: Field;
  readonly #lon: Field;
  readonly #error: Field;
  readonly #off = h("td", { class: "figure" });
  readonly #leftOut = h("td", { class: "figure" });
  readonly #remove: HTMLButtonElement;
  #px: PointPx = [0, 0];
  #pending = false;

  constructor(at: number, listener: PointsListener) {
    this.#at = at;
    this.#listener = listener;
    const serial = at + 1;
    const { complain } = listener;
    this.#what = new Field(`What point ${serial} is`, "words", complain, (text) => {
      const what = text.trim();
      if (what === "" || what.length > 200) return `Point ${serial}: say in up to 200 letters what it is`;
      this.#change({ what });
      return null;
    });
    const axis = (name: "x" | "y"): Field =>
      new Field(`Point ${serial}, ${name} in pixels`, "figure", complain, (text) => {
        const value = number(text);
        if (value === null) return `Point ${serial}: ${name} is a number of pixels, got ${text}`;
        this.#move(name === "x" ? [value, this.#px[1]] : [this.#px[0], value]);
        return null;
      });
    [this.#x, this.#y] = [axis("x"), axis("y")];
    this.#lat = new Field(`Latitude of point ${serial}`, "figure", complain, (text) => this.#place("lat", text));
    this.#lon = new Field(`Longitude of point ${serial}`, "figure", complain, (text) => this.#place("lon", text));
    this.#error = new Field(`Error of point ${serial} on the map in metres`, "figure", complain, (text) => {
      const error_m = number(text);
      if (error_m === null || error_m <= 0 || error_m > FARTHEST_OFF_M) {
        return `Point ${serial}: its place on the map is known to 0.01 to ${FARTHEST_OFF_M} m, got ${text}`;
      }
      this.#change({ error_m });
      return null;
    });
    for (const field of [this.#lat, this.#lon]) field.element.addEventListener("paste", (event) => this.#pasted(event));
    this.#remove = h("button", { type: "button", "aria-label": `Remove point ${serial}` }, "Remove");
    this.#remove.addEventListener("click", () => listener.removePoint(at));
    const cells = [this.#what, this.#x, this.#y, this.#lat, this.#lon, this.#error];
    this.element = h(
      "tr",
      {},
      h("th", { scope: "row" }, String(serial)),
      ...cells.map((field) => h("td", {}, field.element)),
      this.#off,
      this.#leftOut,
      h("td", { class: "does" }, this.#remove),
    );
  }

  show(point: MapPoint, error: PointError | undefined): void {
    this.#appear(point.px, false);
    this.#what.show(point.what);
    this.#lat.show(degrees(point.lat));
    this.#lon.show(degrees(point.lon));
    this.#error.show(String(point.error_m));
    this.element.classList.toggle("outvoted", error?.used === false);
    const onGround = error?.error_m == null ? "" : `${metres(error.error_m)}, `;
    this.#off.textContent = error === undefined ? "—" : `${onGround}${error.error_px.toFixed(1)} px`;
    const left = error?.left_out_m == null ? "—" : metres(error.left_out_m);
    this.#leftOut.textContent = error?.used === false ? "outvoted" : left;
  }

  wait(px: PointPx): void {
    // A latitude that is written already stays until its longitude comes.
    if (!this.#pending) for (const field of [this.#what, this.#lat, this.#lon, this.#error]) field.show("");
    this.#appear(px, true);
    this.#lat.element.placeholder = "51.5, -0.12";
    this.#off.textContent = "—";
    this.#leftOut.textContent = "—";
    this.element.classList.remove("outvoted");
  }

  #appear(px: PointPx, pending: boolean): void {
    this.#px = px;
    this.#pending = pending;
    this.element.classList.toggle("waiting", pending);
    for (const field of [this.#what, this.#error]) field.element.disabled = pending;
    this.#x.show(pixels(px[0]));
    this.#y.show(pixels(px[1]));
    if (!pending) this.#lat.element.placeholder = "";
  }

  #change(patch: Partial<MapPoint>): void {
    this.#listener.changePoint(this.#at, patch);
  }

  #move(px: PointPx): void {
    if (this.#pending) this.#listener.movePending(px);
    else this.#change({ px });
  }

  /** Take a latitude, a longitude, or both in one; of a point that waits for both, one alone is kept until the other. */
  #place(name: "lat" | "lon", text: string): string | null {
    const both = latLon(text);
    if (both) {
      this.#set(both.lat, both.lon);
      return null;
    }
    const value = number(text);
    const most = name === "lat" ? 90 : 180;
    if (value === null || Math.abs(value) > most) {
      return `Point ${this.#at + 1}: ${name} is degrees between -${most} and ${most}, got ${text}`;
    }
    if (!this.#pending) this.#change(name === "lat" ? { lat: value } : { lon: value });
    else {
      const [lat, lon] = [number(this.#lat.element.value), number(this.#lon.element.value)];
      if (lat !== null && lon !== null) this.#set(lat, lon);
    }
    return null;
  }

  #pasted(event: ClipboardEvent): void {
    const both = latLon(event.clipboardData?.getData("text") ?? "");
    if (!both) return;
    event.preventDefault();
    this.#set(both.lat, both.lon);
  }

  #set(lat: number, lon: number): void {
    for (const field of [this.#lat, this.#lon]) field.revert();
    if (this.#pending) this.#listener.match(lat, lon);
    else this.#change({ lat, lon });
  }
}

export class PointsTable {
  readonly #body = byId("points", HTMLTableSectionElement);
  readonly #rows: PointRow[] = [];
  readonly #listener: PointsListener;

  constructor(listener: PointsListener) {
    this.#listener = listener;
  }

  show({ points, pending }: Draft, judgement: Judgement | null): void {
    const count = points.length + (pending ? 1 : 0);
    matched(this.#body, this.#rows, count, (at) => new PointRow(at, this.#listener));
    points.forEach((point, at) => this.#rows[at]?.show(point, judgement?.fit?.points[at]));
    if (pending) this.#rows[points.length]?.wait(pending);
    byId("no-points", HTMLElement).hidden = count > 0;
    byId("points-table", HTMLElement).hidden = count === 0;
  }
}
