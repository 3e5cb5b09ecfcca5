/** The operations page: which camera is lying, since when and why. */

import * as api from "./api.ts";
import { commonest } from "./commonest.ts";
import { Cover, describe } from "./cover.ts";
import { byId, h } from "./dom.ts";
import { type Filter, MEANING, SHOWN, byTrouble, filters, hourMarks, passes, shownState } from "./health.ts";
import { CameraRow } from "./row.ts";
import { type Span, clock, zoneName } from "./time.ts";
import type { Health, States, Stretch } from "./types.ts";

const REFRESH_MS = 30_000;
/** What the page is called there: the service lets nobody else calibrate. */
const AT_THE_MACHINE: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

class Operations {
  readonly #cover = new Cover();
  readonly #filter = byId("filter", HTMLFieldSetElement);
  readonly #search = byId("search", HTMLInputElement);
  readonly #asked = byId("asked", HTMLElement);
  readonly #rows = byId("rows", HTMLTableSectionElement);
  #byCamera = new Map<string, CameraRow>();
  #health: readonly Health[] = [];
  #chosen: Filter = "all";
  #timezone = "UTC";
  #calibrates = false;

  async start(): Promise<void> {
    this.#cover.say("Loading the cameras…");
    const about = await this.#cover.patiently("this page", api.about);
    document.title = `${about.name} · operations`;
    byId("name", HTMLElement).textContent = about.name;
    const notice = byId("notice", HTMLElement);
    notice.textContent = about.notice;
    notice.hidden = about.notice === null;
    this.#calibrates = about.calibrates && AT_THE_MACHINE.has(location.hostname);
    const cameras = await this.#cover.patiently("the cameras", api.cameras);
    if (cameras.length === 0) {
      this.#cover.say("No cameras", "None is configured, or no feed has listed its cameras yet.");
      return;
    }
    this.#timezone = commonest(cameras.map((camera) => camera.timezone)) ?? "UTC";
    this.#key();
    this.#listen();
    await this.#cover.patiently("how they are", () => this.#load());
    this.#cover.hide();
    for (const id of ["finder", "cameras", "key"]) byId(id, HTMLElement).hidden = false;
    this.#visit();
    window.setInterval(() => void (document.hidden || this.#refresh()), REFRESH_MS);
  }

  #listen(): void {
    this.#search.addEventListener("input", () => this.#show());
    this.#filter.addEventListener("change", (event) => {
      this.#chosen = (event.target as HTMLInputElement).value as Filter;
      history.replaceState(null, "", `#show=${this.#chosen}`);
      this.#show();
    });
    window.addEventListener("hashchange", () => this.#visit());
    document.addEventListener("visibilitychange", () => void (document.hidden || this.#refresh()));
  }

  /** Show what the address names: a filter, or one camera. */
  #visit(): void {
    const asked = new URLSearchParams(location.hash.slice(1));
    const show = asked.get("show");
    this.#chosen = ([...SHOWN, "trouble"] as const).find((each) => each === show) ?? "all";
    this.#offer();
    this.#show();
    const row = this.#byCamera.get(asked.get("camera") ?? "");
    row?.open();
  }

  async #load(): Promise<void> {
    const [health, states] = await Promise.all([api.health(), api.states()]);
    this.#health = health.toSorted(byTrouble);
    this.#draw(states);
  }

  async #refresh(): Promise<void> {
    try {
      await this.#load();
    } catch (error) {
      this.#asked.textContent = `${describe(error)}: this is how it was before`;
      this.#asked.classList.add("reason");
    }
  }

  #draw(states: States): void {
    const span = { start: Date.parse(states.start), end: Date.parse(states.end) };
    const stretches = new Map<string, Stretch[]>();
    for (const each of states.states) stretches.set(each.camera, [...(stretches.get(each.camera) ?? []), each]);
    const rows = this.#health.map((health) => {
      const row = this.#byCamera.get(health.id) ?? new CameraRow(health.id, this.#calibrates);
      row.show(health, stretches.get(health.id) ?? [], span, this.#timezone);
      return row;
    });
    this.#byCamera = new Map(rows.map((row) => [row.camera, row]));
    // The order stays while the reader is in the table, so that nothing moves from under them.
    const same = rows.length === this.#rows.children.length && rows.every((row) => row.element.isConnected);
    if (!same || !this.#rows.matches(":focus-within, :hover")) {
      this.#rows.replaceChildren(...rows.map((row) => row.element));
    }
    byId("untold", HTMLElement).hidden = this.#health.some((each) => each.state !== null);
    this.#hours(span);
    this.#asked.textContent = `as of ${clock(span.end, this.#timezone)} ${zoneName(span.end, this.#timezone)}`;
    this.#asked.classList.remove("reason");
    this.#offer();
    this.#show();
  }

  /** The filters there are now; the one chosen stays, and so does the focus. */
  #offer(): void {
    const offered = filters(this.#health);
    const focused = this.#filter.contains(document.activeElement);
    const gone = !offered.some(([filter]) => filter === this.#chosen);
    const shown = gone ? ([...offered, [this.#chosen, 0]] as const) : offered;
    this.#filter.replaceChildren(
      h("legend", {}, "Show"),
      ...shown.map(([filter, count]) => {
        const title = filter === "all" || filter === "trouble" ? null : MEANING[filter];
        const radio = h("input", { type: "radio", name: "show", value: filter });
        radio.checked = filter === this.#chosen;
        return h("label", { title }, radio, h("span", {}, `${filter} `, h("b", {}, String(count))));
      }),
    );
    if (focused) this.#filter.querySelector<HTMLInputElement>("input:checked")?.focus();
  }

  #show(): void {
    const wanted = this.#search.value.trim().toLocaleLowerCase();
    let shown = 0;
    for (const health of this.#health) {
      const named = `${health.name} ${health.id}`.toLocaleLowerCase().includes(wanted);
      const visible = named && passes(this.#chosen, shownState(health));
      const row = this.#byCamera.get(health.id);
      if (row) row.element.hidden = !visible;
      shown += Number(visible);
    }
    byId("none", HTMLElement).hidden = shown > 0;
  }

  #hours(span: Span): void {
    const marks = hourMarks(span, this.#timezone).map(({ label, along }) => {
      const mark = h("span", {}, label);
      mark.style.setProperty("--along", String(along));
      return mark;
    });
    byId("hours", HTMLElement).replaceChildren(...marks);
  }

  #key(): void {
    const states = SHOWN.filter((state) => state !== "unknown");
    byId("key", HTMLDetailsElement).querySelector("ul")?.replaceChildren(
      ...states.map((state) => h("li", {}, h("span", { class: `swatch ${state}` }), `${state}: ${MEANING[state]}`)),
    );
  }
}

void new Operations().start();
