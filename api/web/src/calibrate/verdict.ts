/** How good the fit is, in a line of figures, and what is weak or refused about it. */

import { byId, h } from "../dom.ts";
import type { Draft } from "./draft.ts";
import { figures, missing } from "./fit.ts";
import type { Fit, Judgement, Refusal, Site } from "./site.ts";
import { sentence } from "./written.ts";

export class Verdict {
  readonly #figures = byId("figures", HTMLElement);
  readonly #words = byId("verdict", HTMLElement);

  /** `current`: the judgement is of this draft, and not of the one before. */
  show(site: Site, draft: Draft, judgement: Judgement | null, current: boolean): void {
    const told = judgement ? figures(judgement) : [];
    this.#figures.replaceChildren(
      ...told.map(({ term, figure, title }) => h("div", { title }, h("dt", {}, term), h("dd", {}, figure))),
    );
    this.#words.replaceChildren(...this.#said(site, draft, judgement, current));
  }

  #said(site: Site, draft: Draft, judgement: Judgement | null, current: boolean): Node[] {
    const still = missing(site, draft);
    if (still !== null) return [h("p", { class: "quiet" }, still)];
    if (!current && !judgement?.fit) return [h("p", { class: "quiet" }, "Judging…")];
    if (judgement?.refused) return current ? [refusal(judgement.refused)] : [];
    return warnings(judgement?.fit ?? null);
  }
}

export function refusal({ message, remedy }: Refusal): HTMLElement {
  return h("p", { class: "refused" }, h("strong", {}, sentence(message)), ` ${sentence(remedy)}`);
}

function warnings(fit: Fit | null): Node[] {
  return (fit?.warnings ?? []).map((warning) => h("p", { class: "weak" }, sentence(warning)));
}
