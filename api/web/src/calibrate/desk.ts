/** The questions of the calibration page. Its own address ends in the camera, so that all is asked beside it. */

import { ask } from "../api.ts";
import type { Gathering, Judgement, Opened, Site } from "./site.ts";

export class Desk {
  /** The camera as it stands in the page's address, escaped; `./` because a camera may be called `a:b`. */
  readonly #camera: string;

  constructor(pathname: string) {
    this.#camera = `./${pathname.slice(pathname.lastIndexOf("/") + 1)}`;
  }

  async open(): Promise<Opened> {
    return (await (await ask(`${this.#camera}/site`)).json()) as Opened;
  }

  async judge(site: Site): Promise<Judgement> {
    const asked = { method: "POST", body: JSON.stringify(site) };
    return (await (await ask(`${this.#camera}/judge`, asked)).json()) as Judgement;
  }

  async save(site: Site): Promise<Site> {
    const saved = await ask(`${this.#camera}/site`, { method: "PUT", body: JSON.stringify(site) });
    return ((await saved.json()) as { readonly site: Site }).site;
  }

  /** Begin to gather the background, or say how far it has come. */
  async gather(): Promise<Gathering> {
    return (await (await ask(`${this.#camera}/background`, { method: "POST" })).json()) as Gathering;
  }

  /** The gathered background. The service gives it once and forgets it, unless it is asked to `keep` it. */
  async background(keep: boolean): Promise<Blob> {
    const query = keep ? "?keep=true" : "";
    return (await ask(`${this.#camera}/background.png${query}`, { headers: { Accept: "image/png" } })).blob();
  }
}
