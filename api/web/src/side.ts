/** What is beside the map: the lists, and the camera or the change that was opened from one of them. */

import { Changes } from "./changes.ts";
import { byId } from "./dom.ts";
import type { Figures } from "./figures.ts";
import type { ListName, View } from "./hash.ts";
import { CameraList, type ListView } from "./list.ts";
import { OpenedCamera } from "./opened.ts";
import { CameraPanel } from "./panel.ts";
import { PriorityList } from "./priorities.ts";
import { Sheet } from "./sheet.ts";
import type { Span } from "./time.ts";
import type { Camera, Zone } from "./types.ts";
import type { Intervention } from "./unusual_types.ts";
import type { Zones } from "./zones.ts";

export interface SideListener {
  change(patch: Partial<View>): void;
  open(camera: string, zone: string | null): void;
  /** A camera is pointed at, or none; `reveal` brings it into view first. So with changes. */
  point(camera: string | null, reveal: boolean): void;
  pointChange(change: Intervention | null, reveal: boolean): void;
  pick(moment: number): void;
  /** Bring these zones into view on the map. */
  lookAt(zones: readonly Zone[]): void;
  /** The changes are known, or others than before. */
  changes(): void;
}

/** What the page shows, as far as its side needs to know it. */
export interface Around {
  readonly view: View;
  readonly figures: Figures;
  readonly zones: Zones;
  readonly stored: Span;
  readonly timezone: string;
  readonly cameras: ReadonlyMap<string, Camera>;
}

const GO_BACK_TO: Readonly<Record<ListName, string>> = {
  cameras: "All cameras",
  priorities: "Where to act first",
  changes: "All changes",
};

export class Side {
  readonly cameras: CameraList;
  readonly changes: Changes;
  readonly #listener: SideListener;
  readonly #around: () => Around;
  readonly #sheet: Sheet;
  readonly #priorities: PriorityList;
  readonly #opened: OpenedCamera;

  constructor(listener: SideListener, around: () => Around) {
    this.#listener = listener;
    this.#around = around;
    this.#sheet = new Sheet((list) => listener.change({ list, camera: null, zone: null, change: null }));
    const focused = (list: ListName): boolean => document.activeElement?.closest(`#${list}`) != null;
    this.cameras = new CameraList({
      open: (camera) => listener.open(camera, null),
      point: (camera) => listener.point(camera, focused("cameras")),
    });
    this.#priorities = new PriorityList({
      open: (camera, zone) => listener.open(camera, zone),
      point: (camera) => listener.point(camera, focused("priorities")),
    });
    this.changes = new Changes({
      open: (change) => listener.change({ change, camera: null, zone: null }),
      close: () => this.#closeChange(),
      openCamera: (camera, zone) => listener.open(camera, zone),
      point: (change) => listener.pointChange(change, focused("changes")),
      loaded: () => {
        listener.changes();
        if (around().view.change !== null) this.arrange(false);
      },
    });
    const panel = new CameraPanel(byId("camera", HTMLElement), {
      close: () => this.#closeCamera(),
      pick: (moment) => listener.pick(moment),
      chooseZone: (zone) => listener.change({ zone }),
      lookAt: (zones) => {
        this.#sheet.close();
        listener.lookAt(zones);
      },
    });
    this.#opened = new OpenedCamera(panel, () => {
      const { view, cameras, ...known } = around();
      return { ...known, view, camera: (view.camera === null ? undefined : cameras.get(view.camera)) ?? null };
    });
  }

  /** Where it lies over the map, slide it up. */
  raise(): void {
    this.#sheet.open();
  }

  /** New figures for the list of cameras. */
  show(view: ListView): void {
    this.cameras.show(view);
  }

  /** What the view says is open, over the list that it names. */
  arrange(focus: boolean): void {
    const { view, timezone, cameras } = this.#around();
    const change = view.camera === null && view.change !== null ? this.changes.get(view.change) : null;
    this.#sheet.show(view.list, view.camera !== null ? "camera" : change !== null ? "change" : null);
    if (view.camera !== null) this.#opened.announce(this.#backTo(view), focus);
    else this.#opened.hide();
    if (change) this.changes.show(change, GO_BACK_TO[view.list], { series: view.series, timezone, cameras }, focus);
    else this.changes.hide();
    this.update();
  }

  /** The window shown, or what is known of it, has changed. */
  update(): void {
    const { view, timezone, cameras, stored } = this.#around();
    const { at, live, series, width, camera, change, list } = view;
    if (camera !== null) void this.#opened.load();
    else if (change === null && list === "priorities" && at !== null) {
      this.#priorities.show({ series, width, at, live, timezone, stored, cameras });
    }
  }

  #backTo({ change, list }: View): string {
    return (change === null ? undefined : this.changes.get(change)?.name) ?? GO_BACK_TO[list];
  }

  /** Back to where the camera was opened from, with the focus on what it was opened by. */
  #closeCamera(): void {
    const { camera, change, list } = this.#around().view;
    this.#listener.change({ camera: null, zone: null });
    if (camera === null || change !== null) return;
    if (list === "cameras") this.cameras.focusOn(camera);
    else if (list === "priorities") this.#priorities.focusOn(camera);
  }

  #closeChange(): void {
    const { change, list } = this.#around().view;
    this.#listener.change({ change: null });
    if (change !== null && list === "changes") this.changes.focusOn(change);
  }
}
