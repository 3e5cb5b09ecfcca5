/** A small least-recently-used cache of promises: a question asked twice is sent once, a failed one is forgotten. */
export class Cache<T> {
  readonly #entries = new Map<string, Promise<T>>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string, ask: () => Promise<T>): Promise<T> {
    const found = this.#entries.get(key) ?? ask();
    this.#entries.delete(key);
    this.#entries.set(key, found);
    found.catch(() => {
      if (this.#entries.get(key) === found) this.#entries.delete(key);
    });
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#capacity && !oldest.done) this.#entries.delete(oldest.value);
    return found;
  }

  /** The entry where there is one; asks nothing. */
  peek(key: string): Promise<T> | undefined {
    return this.#entries.get(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
