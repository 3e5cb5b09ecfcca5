/** The parts of the calibration page put together: what is edited changes the draft, and the draft is shown and judged. */

import { reachable } from "../basemap.ts";
import { describe } from "../cover.ts";
import { byId, h } from "../dom.ts";
import type { About } from "../types.ts";
import { Background } from "./background.ts";
import type { Desk } from "./desk.ts";
import * as drafts from "./draft.ts";
import { onTheMap } from "./drawn.ts";
import { Hand, type Worked } from "./hand.ts";
import type { Handle } from "./handles.ts";
import { History } from "./history.ts";
import { Judge } from "./judge.ts";
import { drawnKindName } from "./kinds.ts";
import { Picture } from "./picture.ts";
import { Plane } from "./plane.ts";
import { PointsTable } from "./points_table.ts";
import { type Savable, Saving } from "./saving.ts";
import type { Mode } from "./scene.ts";
import { type Judgement, KINDS, type Opened, type PointPx, type Site, type ZoneKind } from "./site.ts";
import { SiteMap } from "./site_map.ts";
import { showSizes } from "./sizes_table.ts";
import { Verdict } from "./verdict.ts";
import { ZonesTable } from "./zones_table.ts";

const DRAW_ZONES =
  "Click the corners of a zone in the picture, and the last one twice. With the keyboard: go to the picture, arrow keys, Enter.";
const MATCH_POINTS = "Click a point on the ground in the picture, then the same point on the map.";
const MEND_CORNERS = "Tab goes from corner to corner; arrow keys move one, Delete removes it, + adds one after it.";

export class Workbench implements Worked, Savable {
  readonly #hand = new Hand(this);
  readonly #history: History<drafts.Draft>;
  readonly #picture: Picture;
  readonly #map: SiteMap | null;
  readonly #judge: Judge;
  readonly #saving: Saving;
  readonly #verdict = new Verdict();
  readonly #zones: ZonesTable;
  readonly #points: PointsTable;
  readonly #kind = byId("kind", HTMLSelectElement);
  readonly #told = byId("told", HTMLElement);
  #site: Site;
  #judgement: Judgement | null = null;
  /** Whether the judgement is of what is drawn now. */
  #judged = false;
  #mode: Mode = "zones";
  #chosen: number | null = null;
  #background: string | null = null;

  constructor(desk: Desk, { site, camera, can_save, why_not }: Opened) {
    this.#site = site;
    this.#history = new History(drafts.draftOf(site));
    this.#kind.replaceChildren(...KINDS.map((kind) => h("option", { value: kind }, drawnKindName(kind))));
    this.#picture = new Picture(byId("picture", HTMLElement), site, camera.name, this.#hand);
    this.#map = this.#startMap(camera);
    this.#judge = new Judge(desk, {
      judged: (judgement) => {
        this.#judgement = judgement;
        this.#judged = true;
        this.#draw();
      },
      failed: (error) => this.tell(`Not judged: ${describe(error)}`),
    });
    this.#zones = this.#zonesTable();
    this.#points = this.#pointsTable();
    this.#saving = new Saving(desk, this, can_save ? null : (why_not ?? "the service does not say why"));
    new Background(desk, (address) => {
      this.#background = address;
      this.#draw();
    });
    this.#listen();
    this.hint();
    this.#map?.fit(site.map_points);
    this.#changed();
  }

  /** Put the outlines and the basemap of the installation on the map. */
  async scenery({ basemap }: About, shapes: GeoJSON.FeatureCollection | null): Promise<void> {
    if (shapes) this.#map?.outline(shapes);
    if (basemap && (await reachable(basemap))) this.#map?.useBasemap(basemap);
  }

  // What the hand works on.

  get draft(): drafts.Draft {
    return this.#history.now;
  }

  get mode(): Mode {
    return this.#mode;
  }

  get size(): Site {
    return this.#site;
  }

  get sized(): boolean {
    return this.#site.sizes !== null;
  }

  get kind(): ZoneKind {
    return this.#kind.value as ZoneKind;
  }

  edit(change: (draft: drafts.Draft) => drafts.Draft, gesture: string | null = null): void {
    this.#history.change(change(this.draft), gesture);
    this.#changed();
  }

  chooseZone(zone: number | null): void {
    if (this.#chosen === zone) return;
    this.#chosen = zone;
    this.#draw();
  }

  pointAt(px: PointPx | null): void {
    this.#map?.point((px && this.#plane()?.toMap(px)) ?? null);
  }

  tell(words: string): void {
    this.#told.textContent = words;
  }

  hint(): void {
    this.tell(this.#mode === "zones" ? DRAW_ZONES : MATCH_POINTS);
  }

  focusPicture(handle?: Handle): void {
    this.#picture.focus(handle);
  }

  focusMap(): void {
    this.#map?.focus();
  }

  // What is saved.

  site(draft: drafts.Draft): Site {
    return drafts.siteOf(this.#site, draft);
  }

  changedSinceSaved(): boolean {
    const { now, settled } = this.#history;
    return now.ring.length > 0 || now.pending !== null || !drafts.sameSite(now, settled);
  }

  saving(): void {
    this.tell("Saving…");
  }

  failed(): void {
    this.hint();
  }

  saved(site: Site, draft: drafts.Draft): void {
    this.#site = site;
    this.#history.settle(draft);
    this.tell("Saved.");
    this.#draw();
  }

  // The parts.

  #startMap(camera: Opened["camera"]): SiteMap | null {
    try {
      return new SiteMap(byId("map", HTMLElement), camera, this.#hand.onMap);
    } catch {
      byId("map", HTMLElement).hidden = true;
      byId("no-map", HTMLElement).hidden = false;
      return null;
    }
  }

  #zonesTable(): ZonesTable {
    const saved = (): ReadonlySet<string> => new Set(this.#site.zones.features.map((zone) => zone.id));
    return new ZonesTable({
      complain: (complaint) => this.tell(complaint),
      rename: (zone, name) => this.edit((draft) => drafts.changeZone(draft, zone, { name })),
      setWidth: (zone, width_m) => this.edit((draft) => drafts.changeZone(draft, zone, { width_m })),
      setKind: (zone, kind) =>
        this.edit((draft) => drafts.changeKind(draft, zone, kind, this.#site.camera, saved())),
      removeZone: (zone) => {
        const name = this.draft.zones[zone]?.name ?? "";
        this.#chosen = null;
        this.edit((draft) => drafts.removeZone(draft, zone));
        this.tell(`${name} removed: Ctrl+Z brings it back.`);
      },
      chooseZone: (zone) => this.chooseZone(zone),
      mendZone: (zone) => {
        this.#work("zones");
        this.#chosen = zone;
        this.#draw();
        this.focusPicture({ of: "corner", zone, at: 0 });
        this.tell(MEND_CORNERS);
      },
    });
  }

  #pointsTable(): PointsTable {
    const inside = (px: PointPx): PointPx => drafts.inside(px, this.#site);
    return new PointsTable({
      complain: (complaint) => this.tell(complaint),
      changePoint: (at, patch) => {
        const px = patch.px ? { px: inside(patch.px) } : {};
        this.edit((draft) => drafts.changePoint(draft, at, { ...patch, ...px }));
      },
      movePending: (px) => this.edit((draft) => drafts.placePending(draft, inside(px))),
      match: (lat, lon) => this.#hand.match(lat, lon),
      removePoint: (at) => this.#hand.remove(at < this.draft.points.length ? { of: "point", at } : { of: "pending" }),
    });
  }

  #listen(): void {
    byId("mode", HTMLFieldSetElement).addEventListener("change", (event) => {
      this.#work((event.target as HTMLInputElement).value as Mode);
      this.hint();
      this.#draw();
    });
    byId("close", HTMLButtonElement).addEventListener("click", () => this.#hand.close());
    byId("undo", HTMLButtonElement).addEventListener("click", () => this.#undo());
    byId("redo", HTMLButtonElement).addEventListener("click", () => this.#redo());
    document.addEventListener("keydown", (event) => this.#shortcut(event));
  }

  #shortcut(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const writing = event.target instanceof HTMLInputElement && event.target.type === "text";
    if (key === "s") void this.#saving.store();
    else if (writing) return;
    else if (key === "y" || (key === "z" && event.shiftKey)) this.#redo();
    else if (key === "z") this.#undo();
    else return;
    event.preventDefault();
  }

  #work(mode: Mode): void {
    this.#mode = mode;
    for (const radio of byId("mode", HTMLFieldSetElement).querySelectorAll("input")) radio.checked = radio.value === mode;
  }

  #undo(): void {
    if (this.#history.undo()) this.#changed();
  }

  #redo(): void {
    if (this.#history.redo()) this.#changed();
  }

  #changed(): void {
    if (this.#chosen !== null && this.#chosen >= this.draft.zones.length) this.#chosen = null;
    if (this.#judge.about(this.site(this.draft))) this.#judged = false;
    this.#draw();
  }

  #plane(): Plane | null {
    const plane = this.#judgement?.fit?.plane;
    return plane ? new Plane(plane, this.#site) : null;
  }

  #draw(): void {
    const { draft } = this;
    const plane = this.#plane();
    this.#picture.show({
      width: this.#site.width,
      height: this.#site.height,
      mode: this.#mode,
      draft,
      chosen: this.#chosen,
      judgement: this.#judgement,
      sizes: this.#site.sizes,
      expected: draft.points.map(({ lat, lon }) => plane?.toPicture(lat, lon) ?? null),
      background: this.#background,
    });
    this.#map?.show(onTheMap(draft, this.#judgement, this.#chosen), draft.points, draft.pending !== null);
    this.#verdict.show(this.#site, draft, this.#judgement, this.#judged);
    this.#zones.show(draft, this.#judgement, this.#chosen);
    this.#points.show(draft, this.#judgement);
    showSizes(this.#site.sizes, this.#judgement);
    byId("matching", HTMLElement).hidden = this.sized;
    byId("drawn-kind", HTMLElement).hidden = this.#mode !== "zones";
    byId("close", HTMLElement).hidden = draft.ring.length === 0;
    byId("undo", HTMLButtonElement).disabled = !this.#history.canUndo;
    byId("redo", HTMLButtonElement).disabled = !this.#history.canRedo;
    this.#saving.show();
  }
}
