/** One camera of the operations page. */

import { calibrationAddress, outagesAddress } from "./api.ts";
import { h } from "./dom.ts";
import { lasted, moment, outageLabel, outages, shownState, uptime, uptimeLabel } from "./health.ts";
import { strip } from "./strip.ts";
import type { Span } from "./time.ts";
import type { Health, Stretch } from "./types.ts";

export class CameraRow {
  readonly element: HTMLTableRowElement;
  readonly camera: string;
  readonly #name = h("a", { class: "name" });
  readonly #state = h("span", { class: "badge" });
  readonly #since = h("small");
  readonly #reason = h("span", { class: "why" });
  readonly #more = h("details");
  readonly #count = h("summary");
  readonly #outages = h("ul", { class: "outages" });
  readonly #age = h("td", { class: "age" });
  readonly #strip = h("td", { class: "day" });
  readonly #uptime = h("td", { class: "uptime" });
  #shown = "";

  /** `calibrates`: where its zones are drawn can be gone to. */
  constructor(camera: string, calibrates: boolean) {
    this.camera = camera;
    this.#name.setAttribute("href", `./#camera=${encodeURIComponent(camera)}`);
    const csv = h("a", { href: outagesAddress(camera), download: `outages-${camera}.csv` }, "Download (CSV)");
    this.#more.append(this.#count, this.#outages, csv);
    const zones = h("a", { href: calibrationAddress(camera) }, "Zones and ground");
    this.element = h(
      "tr",
      { "data-camera": camera },
      h("td", { class: "how" }, this.#state, this.#since),
      h("th", { scope: "row" }, this.#name, h("small", {}, camera, calibrates && " · ", calibrates && zones)),
      h("td", { class: "reasons" }, this.#reason, this.#more),
      this.#age,
      this.#strip,
      this.#uptime,
    );
  }

  /** Draw what has changed; what the reader has opened stays open. */
  show(health: Health, stretches: readonly Stretch[], span: Span, tz: string): void {
    this.#age.replaceChildren(...age(health, span.end, tz));
    const since = health.since === null ? null : Date.parse(health.since);
    const lasting = since === null ? "" : `for ${lasted((span.end - since) / 1_000)}`;
    this.#since.textContent = lasting;
    this.#since.title = since === null ? "" : `since ${moment(since, span.end, tz)}`;
    const shown = JSON.stringify([health.state, health.reason, health.name, stretches]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const state = shownState(health);
    this.element.dataset["state"] = state;
    this.#name.textContent = health.name;
    this.#state.className = `badge ${state}`;
    this.#state.textContent = state;
    this.#reason.textContent = health.reason ?? "";
    const out = outages(stretches);
    this.#more.hidden = out.length === 0;
    this.#count.textContent = out.length === 1 ? "1 outage in 24 h" : `${out.length} outages in 24 h`;
    this.#outages.replaceChildren(
      ...out.map((each) => {
        const words = `${outageLabel(each, tz)}, ${lasted(each.duration_s)}`;
        return h("li", {}, words, each.reason ? h("small", {}, ` ${each.reason}`) : null);
      }),
    );
    this.#strip.replaceChildren(strip(stretches, span, tz));
    this.#uptime.textContent = uptimeLabel(uptime(stretches));
  }

  /** Bring the camera into view with its outages open. */
  open(): void {
    this.#more.open = true;
    this.element.scrollIntoView({ block: "center" });
    this.#name.focus({ preventScroll: true });
  }
}

/** How old the newest clip is, and when the last one was counted where that was another. */
function age({ age_s, last_event_time, last_counted }: Health, now: number, tz: string): HTMLElement[] {
  if (age_s === null || last_event_time === null) return [h("span", {}, "none")];
  const newest = h("span", { title: moment(Date.parse(last_event_time), now, tz) }, `${lasted(age_s)} ago`);
  if (last_counted === last_event_time) return [newest];
  const counted = last_counted === null ? "never counted" : `counted ${moment(Date.parse(last_counted), now, tz)}`;
  return [newest, h("small", {}, counted)];
}
