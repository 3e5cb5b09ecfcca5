/** One place for what the page shows; those who draw are told what changed. */

type Listener<T> = (next: T, before: T) => void;

export class State<T extends object> {
  #now: T;
  readonly #listeners: Listener<T>[] = [];

  constructor(initial: T) {
    this.#now = initial;
  }

  get now(): T {
    return this.#now;
  }

  /** Change some fields. Nothing happens where all of them keep their value. */
  set(patch: Partial<T>): void {
    const before = this.#now;
    const next = { ...before, ...patch };
    const same = (Object.keys(patch) as (keyof T)[]).every((key) => Object.is(before[key], next[key]));
    if (same) return;
    this.#now = next;
    for (const listener of this.#listeners) listener(next, before);
  }

  subscribe(listener: Listener<T>): void {
    this.#listeners.push(listener);
  }
}
