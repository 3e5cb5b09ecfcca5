/** An input of a table: it shows what is so, unless the reader is in the middle of saying otherwise. */

import { h } from "../dom.ts";

/** What is wrong with what was written, or null where it was taken. */
type Commit = (text: string) => string | null;

export class Field {
  readonly element: HTMLInputElement;
  #shown = "";

  constructor(label: string, kind: "words" | "figure", complain: (complaint: string) => void, commit: Commit) {
    this.element = h("input", {
      type: "text",
      class: kind,
      "aria-label": label,
      autocomplete: "off",
      ...(kind === "figure" ? { inputmode: "decimal" } : {}),
    });
    this.element.addEventListener("change", () => {
      if (this.element.value === this.#shown) return;
      const complaint = commit(this.element.value);
      this.element.setAttribute("aria-invalid", String(complaint !== null));
      if (complaint === null) this.#shown = this.element.value;
      else complain(complaint);
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.revert();
    });
  }

  /** Forget what was written and not taken. */
  revert(): void {
    this.element.value = this.#shown;
    this.element.removeAttribute("aria-invalid");
  }

  label(text: string): void {
    this.element.setAttribute("aria-label", text);
  }

  show(text: string): void {
    const writing = document.activeElement === this.element && this.element.value !== this.#shown;
    const refused = this.element.getAttribute("aria-invalid") === "true" && text === this.#shown;
    if (writing || refused) return;
    this.#shown = text;
    this.element.value = text;
    this.element.removeAttribute("aria-invalid");
  }
}

/** As many rows as there are things, those that stay keeping their elements and with them the focus. */
export function matched<R extends { readonly element: HTMLElement }>(
  body: HTMLElement,
  rows: R[],
  count: number,
  make: (at: number) => R,
): void {
  while (rows.length < count) {
    const row = make(rows.length);
    rows.push(row);
    body.append(row.element);
  }
  while (rows.length > count) {
    const row = rows.pop();
    const focused = row?.element.contains(document.activeElement) ?? false;
    row?.element.remove();
    if (focused) rows.at(-1)?.element.querySelector<HTMLElement>("button, input")?.focus();
  }
}
