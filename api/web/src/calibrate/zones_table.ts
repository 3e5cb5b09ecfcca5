/** The zones in words and figures: what each is, how large, and what is wrong with it. */

import { byId, h } from "../dom.ts";
import type { Draft, DraftZone } from "./draft.ts";
import { Field, matched } from "./fields.ts";
import { COLOUR, drawnKindName } from "./kinds.ts";
import { type JudgedZone, type Judgement, KINDS, type ZoneKind } from "./site.ts";
import { area, metres, number, percent, sentence } from "./written.ts";

export interface ZonesListener {
  rename(zone: number, name: string): void;
  setKind(zone: number, kind: ZoneKind): void;
  setWidth(zone: number, width_m: number | null): void;
  removeZone(zone: number): void;
  /** The reader is in its row. */
  chooseZone(zone: number): void;
  /** Its corners are to be worked on. */
  mendZone(zone: number): void;
  complain(complaint: string): void;
}

const LONGEST_NAME = 200;
const WIDEST_M = 100;

class ZoneRow {
  readonly element: HTMLTableRowElement;
  readonly #name: Field;
  readonly #kind: HTMLSelectElement;
  readonly #width: Field;
  readonly #swatch = h("span", { class: "swatch" });
  readonly #corners: HTMLButtonElement;
  readonly #remove: HTMLButtonElement;
  readonly #area = h("td", { class: "figure" });
  readonly #scale = h("td", { class: "figure" });
  readonly #note = h("td", { class: "note" });

  constructor(at: number, listener: ZonesListener) {
    this.#name = new Field("Name", "words", listener.complain, (text) => {
      const name = text.trim();
      if (name === "" || name.length > LONGEST_NAME) return "A zone has a name of up to 200 letters";
      listener.rename(at, name);
      return null;
    });
    this.#width = new Field("Effective width in metres", "figure", listener.complain, (text) => {
      const width = text.trim() === "" ? null : number(text);
      const wrong = text.trim() !== "" && (width === null || width <= 0 || width > WIDEST_M);
      if (wrong) return `An effective width is 0 to ${WIDEST_M} m, or empty where nobody measured it: got ${text}`;
      listener.setWidth(at, width);
      return null;
    });
    this.#kind = h("select", {}, ...KINDS.map((kind) => h("option", { value: kind }, drawnKindName(kind))));
    this.#kind.addEventListener("change", () => listener.setKind(at, this.#kind.value as ZoneKind));
    this.#corners = h("button", { type: "button", onclick: () => listener.mendZone(at) });
    this.#remove = h("button", { type: "button", onclick: () => listener.removeZone(at) }, "Remove");
    this.element = h(
      "tr",
      {},
      h("td", { class: "name" }, this.#swatch, this.#name.element),
      h("td", {}, this.#kind),
      h("td", {}, this.#width.element),
      this.#area,
      this.#scale,
      this.#note,
      h("td", { class: "does" }, this.#corners, this.#remove),
    );
    this.element.addEventListener("focusin", () => listener.chooseZone(at));
  }

  show(zone: DraftZone, judged: JudgedZone | undefined, chosen: boolean): void {
    this.element.dataset["zone"] = zone.id;
    this.element.classList.toggle("chosen", chosen);
    this.#swatch.style.setProperty("--kind", COLOUR[zone.kind]);
    this.#name.show(zone.name);
    this.#name.label(`Name of ${zone.name}`);
    this.#kind.value = zone.kind;
    this.#kind.setAttribute("aria-label", `Kind of ${zone.name}`);
    this.#width.show(zone.width_m === null ? "" : String(zone.width_m));
    this.#width.label(`Effective width of ${zone.name} in metres`);
    this.#corners.textContent = `${zone.corners.length} corners`;
    this.#corners.setAttribute("aria-label", `Work on the ${zone.corners.length} corners of ${zone.name}`);
    this.#remove.setAttribute("aria-label", `Remove ${zone.name}`);
    const measured = judged?.area_m2 ?? null;
    const share = judged?.area_error ?? null;
    this.#area.textContent = measured === null ? "—" : area(measured, share);
    this.#area.title = share === null ? "" : `standard error ${percent(share)}`;
    const { most_px_per_m: most = null, least_px_per_m: least = null, length_m: length = null } = judged ?? {};
    this.#scale.textContent =
      most === null || least === null ? "—" : `${most.toFixed(0)} to ${least.toFixed(least < 10 ? 1 : 0)}`;
    this.#scale.title = length === null ? "" : `${metres(length)} long`;
    this.#note.replaceChildren(...note(judged));
  }
}

function note(judged: JudgedZone | undefined): Node[] {
  if (judged?.refused) {
    const { message, remedy } = judged.refused;
    return [h("strong", { class: "wrong" }, sentence(message)), h("span", {}, ` ${sentence(remedy)}`)];
  }
  return judged?.cut ? [h("span", {}, `Not counted: ${judged.cut}`)] : [];
}

export class ZonesTable {
  readonly #body = byId("zones", HTMLTableSectionElement);
  readonly #rows: ZoneRow[] = [];
  readonly #listener: ZonesListener;

  constructor(listener: ZonesListener) {
    this.#listener = listener;
  }

  show({ zones }: Draft, judgement: Judgement | null, chosen: number | null): void {
    matched(this.#body, this.#rows, zones.length, (at) => new ZoneRow(at, this.#listener));
    zones.forEach((zone, at) => {
      const judged = judgement?.zones.find((each) => each.id === zone.id);
      this.#rows[at]?.show(zone, judged, at === chosen);
    });
    byId("no-zones", HTMLElement).hidden = zones.length > 0;
    byId("zones-table", HTMLElement).hidden = zones.length === 0;
  }
}
