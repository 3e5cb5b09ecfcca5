/** What pointer and keyboard do in the picture and on the map, as edits of the draft, each told in words. */

import * as drafts from "./draft.ts";
import type { Handle } from "./handles.ts";
import type { PictureListener } from "./picture.ts";
import type { Mode } from "./scene.ts";
import type { PointPx, Site, ZoneKind } from "./site.ts";
import type { SiteMapListener } from "./site_map.ts";
import { pixels } from "./written.ts";

/** What the hand works on. */
export interface Worked {
  readonly draft: drafts.Draft;
  readonly mode: Mode;
  readonly size: Pick<Site, "camera" | "width" | "height">;
  /** Whether the ground is known from sizes, so that points would contradict them. */
  readonly sized: boolean;
  /** What the next zone is. */
  readonly kind: ZoneKind;
  edit(change: (draft: drafts.Draft) => drafts.Draft, gesture?: string): void;
  chooseZone(zone: number | null): void;
  /** Show on the map what a place of the picture is. */
  pointAt(px: PointPx | null): void;
  tell(words: string): void;
  hint(): void;
  focusPicture(handle?: Handle): void;
  focusMap(): void;
}

export class Hand implements PictureListener {
  readonly #on: Worked;

  constructor(on: Worked) {
    this.#on = on;
  }

  /** What the map listens to. */
  get onMap(): SiteMapListener {
    return {
      place: (lat, lon) => this.match(lat, lon),
      drag: (at, lat, lon, gesture) => this.#on.edit((draft) => drafts.changePoint(draft, at, { lat, lon }), gesture),
      remove: (at) => this.remove({ of: "point", at }),
      escape: () => {
        this.escape();
        this.#on.focusPicture();
      },
    };
  }

  place(px: PointPx): void {
    if (this.#on.mode === "zones") this.#addCorner(px);
    else if (this.#on.sized) this.#on.tell("The ground of this camera is known from sizes: they are edited in its file.");
    else this.#placePoint(px);
  }

  press(handle: Handle): void {
    const { ring } = this.#on.draft;
    if (handle.of === "ring") {
      if (handle.at === 0 || handle.at === ring.length - 1) this.close();
    } else if (handle.of === "middle") {
      this.insert(handle);
    } else {
      this.#on.focusPicture(handle);
      this.#on.tell("Arrow keys move it, Delete removes it.");
    }
  }

  drag(handle: Handle, px: PointPx, gesture: string): Handle {
    switch (handle.of) {
      case "corner":
        this.#on.edit((draft) => drafts.moveCorner(draft, handle.zone, handle.at, px), gesture);
        return handle;
      case "middle":
        this.#on.edit((draft) => drafts.insertCorner(draft, handle.zone, handle.at, px), gesture);
        return { of: "corner", zone: handle.zone, at: handle.at + 1 };
      case "ring":
        this.#on.edit((draft) => drafts.moveRingCorner(draft, handle.at, px), gesture);
        return handle;
      case "point":
        this.#on.edit((draft) => drafts.changePoint(draft, handle.at, { px }), gesture);
        return handle;
      case "pending":
        this.#on.edit((draft) => drafts.placePending(draft, px), gesture);
        return handle;
    }
  }

  remove(handle: Handle): void {
    if (handle.of === "corner") {
      const before = this.#on.draft;
      this.#on.edit((draft) => drafts.removeCorner(draft, handle.zone, handle.at));
      const kept = this.#on.draft === before;
      this.#on.tell(kept ? "A zone keeps three corners: remove the whole zone in the table." : "Corner removed.");
    } else if (handle.of === "point") {
      this.#on.edit((draft) => drafts.removePoint(draft, handle.at));
      this.#on.tell(`Point ${handle.at + 1} removed.`);
    } else if (handle.of === "pending") {
      this.#on.edit((draft) => drafts.placePending(draft, null));
      this.#on.hint();
    }
  }

  insert(handle: Handle): void {
    if (handle.of !== "corner" && handle.of !== "middle") return;
    const corners = this.#on.draft.zones[handle.zone]?.corners ?? [];
    const px = drafts.inside(drafts.midway(corners, handle.at), this.#on.size);
    this.#on.edit((draft) => drafts.insertCorner(draft, handle.zone, handle.at, px));
    this.#on.focusPicture({ of: "corner", zone: handle.zone, at: handle.at + 1 });
    this.#on.tell(`New corner at ${said(px)}: arrow keys move it.`);
  }

  choose(zone: number): void {
    this.#on.chooseZone(zone);
  }

  point(px: PointPx | null): void {
    this.#on.pointAt(px);
  }

  back(): void {
    const { ring } = this.#on.draft;
    if (ring.length === 0) return;
    this.#on.edit((draft) => drafts.removeRingCorner(draft, ring.length - 1));
    this.#on.tell(`Corner ${ring.length} removed.`);
  }

  escape(): void {
    const { ring, pending } = this.#on.draft;
    this.#on.chooseZone(null);
    if (ring.length > 0) this.#on.edit(drafts.dropRing);
    else if (pending) this.#on.edit((draft) => drafts.placePending(draft, null));
    this.#on.hint();
  }

  /** Make a zone of the corners so far. */
  close(): void {
    const { ring, zones } = this.#on.draft;
    if (ring.length < drafts.LEAST_CORNERS) {
      this.#on.tell(`A zone has three corners or more: ${ring.length} so far.`);
      return;
    }
    this.#on.edit((draft) => drafts.closeRing(draft, this.#on.size.camera, this.#on.kind));
    this.#on.chooseZone(zones.length);
    const name = this.#on.draft.zones.at(-1)?.name;
    this.#on.tell(`${name} is drawn, with ${ring.length} corners: name it, and say what it is, in the table.`);
    this.#on.focusPicture();
  }

  /** Say where on the map the pending point is. */
  match(lat: number, lon: number): void {
    if (this.#on.draft.pending === null) {
      this.#on.tell("First the point in the picture, with Points chosen above; then its place on the map.");
      return;
    }
    this.#on.edit((draft) => drafts.matchPending(draft, lat, lon));
    const count = this.#on.draft.points.length;
    const left = drafts.LEAST_POINTS - count;
    this.#on.tell(`Point ${count} is matched${left > 0 ? `: ${left} more, and the ground is fitted.` : "."}`);
    this.#on.focusPicture();
  }

  #addCorner(px: PointPx): void {
    this.#on.chooseZone(null);
    this.#on.edit((draft) => drafts.addCorner(draft, px));
    const count = this.#on.draft.ring.length;
    const next = count < drafts.LEAST_CORNERS ? "" : " Once more on it, or on the first one, closes the zone.";
    this.#on.tell(`Corner ${count} at ${said(px)}.${next}`);
  }

  #placePoint(px: PointPx): void {
    this.#on.edit((draft) => drafts.placePending(draft, px));
    const ways = "by a click, by Enter at the map's crosshair, or written into the table";
    this.#on.tell(`Point ${this.#on.draft.points.length + 1} at ${said(px)}: now its place on the map, ${ways}.`);
    this.#on.focusMap();
  }
}

function said([x, y]: PointPx): string {
  return `${pixels(x)}, ${pixels(y)}`;
}
