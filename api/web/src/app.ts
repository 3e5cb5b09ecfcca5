/** The page put together: what the reader asks for changes the view, and what changed is loaded and drawn. */

import * as api from "./api.ts";
import { commonest, firstCounts, introduce } from "./arrival.ts";
import { reachable } from "./basemap.ts";
import { Choices } from "./choices.ts";
import { Cover, describe, tryAgain } from "./cover.ts";
import { byId } from "./dom.ts";
import { Figures, type Frame } from "./figures.ts";
import { type View, formatHash, parseHash } from "./hash.ts";
import { Legend } from "./legend.ts";
import { CameraList } from "./list.ts";
import { LiveFeed } from "./live.ts";
import { CityMap, type Target } from "./map.ts";
import { OpenedCamera } from "./opened.ts";
import { CameraPanel } from "./panel.ts";
import { Pointing } from "./pointing.ts";
import { Sheet } from "./sheet.ts";
import { State } from "./state.ts";
import { anyWithin, calibratedNear, corners, zoneFeatures } from "./street.ts";
import { type Span, WIDTH_MS, floorTo } from "./time.ts";
import { Timeline } from "./timeline.ts";
import { Tooltip } from "./tooltip.ts";
import { type About, type Camera, type Reading, type Zone, headlineZone } from "./types.ts";
import { Zones } from "./zones.ts";

/** How often the page asks what is newest by itself: a feed that has stopped tells nothing, least of all that. */
const REFRESH_MS = 30_000;

export class App {
  readonly #view = new State<View>({
    series: "people",
    width: "15m",
    at: null,
    live: true,
    camera: null,
    zone: null,
    measure: "number",
  });
  readonly #cover = new Cover();
  readonly #legend = new Legend(byId("legend", HTMLElement));
  readonly #pointing = new Pointing(new Tooltip(byId("tooltip", HTMLElement)), () => ({
    figures: this.#figures,
    frame: this.#frame,
    series: this.#view.now.series,
    openCamera: this.#view.now.camera,
    openZone: this.#openZone(),
  }));
  readonly #zones = new Zones();
  readonly #sheet = new Sheet();
  readonly #choices = new Choices((patch) => this.#view.set(patch));
  readonly #list = new CameraList({
    open: (camera) => this.#open(camera),
    point: (camera) => this.#pointing.at(this.#camera(camera), document.activeElement?.closest("#list") != null),
  });
  readonly #opened = new OpenedCamera(
    new CameraPanel(byId("camera", HTMLElement), {
      close: () => this.#close(),
      pick: (moment) => this.#goTo(moment),
      chooseZone: (zone) => this.#view.set({ zone }),
      measure: (measure) => this.#view.set({ measure }),
      lookAt: (zones) => this.#lookAt(zones),
    }),
    () => ({
      view: this.#view.now,
      figures: this.#figures,
      zones: this.#zones,
      stored: this.#stored,
      camera: this.#camera(this.#view.now.camera),
    }),
  );
  readonly #timeline = new Timeline({
    goTo: (start) => this.#goTo(start),
    live: (on) => this.#view.set(on ? { live: true, at: this.#newest() } : { live: false }),
  });
  readonly #feed = new LiveFeed({
    readings: (readings) => void this.#receive(readings),
    gap: () => void this.#reload(),
    connected: (open) => {
      this.#connected = open;
      this.#drawTimeline();
    },
  });
  #map: CityMap | null = null;
  #cameras: ReadonlyMap<string, Camera> = new Map();
  #timezone = "UTC";
  #stored: Span = { start: 0, end: 0 };
  #figures = new Figures("people", "15m");
  #frame: Frame = new Map();
  #connected = false;
  #began = false;

  async start(): Promise<void> {
    this.#cover.say("Loading the cameras…");
    const about = await this.#cover.patiently("the map", api.about);
    introduce(about);
    this.#choices.offer(about.classes);
    this.#startMap();
    void this.#scenery(about);
    const cameras = await this.#cover.patiently("the cameras", api.cameras);
    this.#setCameras(cameras);
    if (cameras.length === 0) {
      this.#cover.say("No cameras", "None is configured: name some in the configuration and start the service again.");
      return;
    }
    this.#legend.show(this.#view.now.series, this.#view.now.width);
    this.#map?.fit(cameras, byId("legend", HTMLElement));
    this.#stored = await firstCounts(this.#cover);
    this.#view.set(parseHash(location.hash, about.classes));
    this.#view.subscribe((next, before) => this.#changed(next, before));
    window.addEventListener("hashchange", () => this.#revisit(about));
    document.addEventListener("visibilitychange", () => this.#rest(document.hidden));
    await this.#begin();
    if (this.#view.now.camera !== null) this.#open(this.#view.now.camera);
    this.#began = true;
    window.setInterval(() => void (document.hidden || this.#refresh()), REFRESH_MS);
  }

  #startMap(): void {
    try {
      this.#map = new CityMap(byId("map", HTMLElement), {
        hover: (target) => this.#hover(target),
        pick: ({ camera, zone }) => this.#open(camera, zone?.id ?? null),
        moved: () => this.#pointing.follow(),
        settled: () => void this.#showStreet(),
      });
      this.#pointing.useMap(this.#map);
    } catch {
      const sorry = "This browser cannot draw the map (no WebGL). The list of cameras works without it.";
      byId("map", HTMLElement).replaceChildren(sorry);
      document.body.classList.add("mapless");
    }
  }

  /** What lies under the cameras; the page works without it. */
  async #scenery(about: About): Promise<void> {
    const shapes = about.outlines ? await api.outlines().catch(() => null) : null;
    if (shapes) this.#map?.outline(shapes);
    if (about.basemap && (await reachable(about.basemap))) this.#map?.useBasemap(about.basemap);
  }

  /** Cameras come, go and break while the page is open; the list is made anew only where it would be another. */
  async #refreshCameras(): Promise<void> {
    const cameras = await api.cameras().catch(() => null);
    if (cameras === null) return;
    const placed = (all: Iterable<Camera>): string =>
      JSON.stringify([...all].map(({ id, name, lat, lon, zones }) => [id, name, lat, lon, zones]));
    this.#zones.refresh();
    if (placed(cameras) !== placed(this.#cameras.values())) this.#setCameras(cameras);
    else this.#cameras = byCamera(cameras);
  }

  #setCameras(cameras: readonly Camera[]): void {
    this.#cameras = byCamera(cameras);
    this.#timezone = commonest(cameras.map((camera) => camera.timezone)) ?? "UTC";
    this.#list.setCameras(cameras);
  }

  /** Start afresh with the series and width of the view. */
  async #begin(): Promise<void> {
    const { series, width } = this.#view.now;
    const figures = new Figures(series, width);
    this.#figures = figures;
    this.#choices.show(series, width);
    this.#legend.show(series, width);
    this.#feed.open(series, width);
    await this.#cover.patiently("the newest figures", () => figures.loadLatest());
    if (this.#figures !== figures) return;
    this.#storedUntil(this.#newest());
    document.body.classList.add("counted");
    const { live, at } = this.#view.now;
    this.#view.set({ at: live || at === null ? this.#newest() : this.#within(at) });
    await this.#show();
  }

  /** The reader changed the address by hand or went back. */
  #revisit(about: About): void {
    const view = parseHash(location.hash, about.classes);
    this.#view.set({ ...view, at: view.live || view.at == null ? this.#newest() : this.#within(view.at) });
  }

  /** A page that nobody sees keeps no connection open: browsers allow only a few to one service. */
  #rest(hidden: boolean): void {
    if (hidden) this.#feed.close();
    else {
      this.#feed.open(this.#view.now.series, this.#view.now.width);
      void this.#reload();
    }
  }

  #changed(next: View, before: View): void {
    history.replaceState(null, "", formatHash(next));
    if (next.series !== before.series || next.width !== before.width) void this.#begin();
    else if (next.at !== before.at || next.live !== before.live) void this.#show();
    if (next.camera !== before.camera && next.camera === null) this.#closed();
    else if (next.camera !== before.camera) this.#showOpened(this.#began);
    else if (next.zone !== before.zone || next.measure !== before.measure) this.#showOpened(false);
  }

  /** Bring the figures of the view onto the page. */
  async #show(): Promise<void> {
    const { at, live, series, width } = this.#view.now;
    if (at === null) return;
    this.#drawTimeline();
    const figures = this.#figures;
    const loading = live ? Promise.resolve(figures.latest()) : figures.frame(at);
    this.#timeline.waitFor(loading);
    const page = byId("page", HTMLElement);
    page.ariaBusy = "true";
    try {
      const frame = await loading;
      const now = this.#view.now;
      if (figures !== this.#figures || now.at !== at || now.live !== live) return;
      this.#frame = frame;
      page.ariaBusy = "false";
      this.#cover.hide();
    } catch (error) {
      this.#timeline.pause();
      this.#cover.say("Could not load these figures", `${describe(error)}.`, tryAgain(() => void this.#show()));
      return;
    }
    this.#map?.show(this.#cameras.values(), this.#frame, series);
    this.#list.show(this.#frame, series);
    void this.#showStreet();
    this.#pointing.draw();
    void this.#opened.load();
    // The next step is on its way before it is asked for.
    const next = at + WIDTH_MS[width];
    if (!live && next <= this.#stored.end) void figures.frame(next).catch(() => undefined);
  }

  /** The zones on the ground, where the map is near enough. */
  async #showStreet(): Promise<void> {
    const map = this.#map;
    if (!map) return;
    const near = (): string[] => {
      const street = map.street();
      return street ? calibratedNear(this.#cameras.values(), street).map(({ id }) => id) : [];
    };
    await this.#zones.load(near()).catch(() => undefined); // those known before are good still
    const street = map.street();
    const zones = near().flatMap((camera) => this.#zones.of(camera));
    this.#legend.showZones(street !== null && anyWithin(zones, street));
    if (street) map.showZones(zoneFeatures(zones, this.#frame, this.#view.now.series));
  }

  #drawTimeline(): void {
    const { at, live, width } = this.#view.now;
    if (at === null) return;
    const [timezone, stored, connected] = [this.#timezone, this.#stored, this.#connected];
    this.#timeline.show({ at, live, width, timezone, stored, connected });
  }

  /** Live readings: into what is loaded, and onto the page where they touch what is shown. */
  async #receive(readings: readonly Reading[]): Promise<void> {
    const known = readings.filter((reading) => this.#cameras.has(reading.camera));
    this.#storedUntil(Math.max(...known.map((reading) => Date.parse(reading.start))));
    await this.#figures.accept(known, this.#cameras);
    const { at, live } = this.#view.now;
    if (live || known.some((reading) => Date.parse(reading.start) === at)) await this.#keepUp();
    else {
      this.#drawTimeline();
      void this.#opened.load();
    }
  }

  /** After a gap in the feed: everything loaded may be old. */
  async #reload(): Promise<void> {
    this.#figures.forget();
    const stored = await api.extent().catch(() => null);
    if (stored) this.#stored = stored;
    await this.#refresh();
  }

  /** Ask what is newest and show it; a service that does not answer is told by the feed. */
  async #refresh(): Promise<void> {
    const figures = this.#figures;
    await Promise.all([figures.loadLatest().catch(() => undefined), this.#refreshCameras()]);
    if (this.#figures !== figures) return;
    this.#storedUntil(this.#newest());
    await this.#keepUp();
  }

  /** Show what has changed; where the page is live, at the newest window. */
  async #keepUp(): Promise<void> {
    const { at, live } = this.#view.now;
    const newest = this.#newest();
    if (live && at !== newest) this.#view.set({ at: newest });
    else await this.#show();
  }

  /** There are answers up to this moment: counts, or the reason why there are none. */
  #storedUntil(end: number): void {
    if (end > this.#stored.end) this.#stored = { ...this.#stored, end };
  }

  #newest(): number {
    return this.#figures.newest() ?? floorTo(this.#stored.end, this.#view.now.width);
  }

  /** The start of the stored window nearest to a moment. */
  #within(moment: number): number {
    const { start, end } = this.#stored;
    return floorTo(Math.max(start, Math.min(moment, end)), this.#view.now.width);
  }

  #camera(id: string | null): Camera | null {
    return (id === null ? undefined : this.#cameras.get(id)) ?? null;
  }

  #goTo(moment: number): void {
    this.#view.set({ at: this.#within(moment), live: false });
  }

  // -- one camera ---------------------------------------------------------------------------------------------

  #open(camera: string, zone: string | null = null): void {
    if (!this.#cameras.has(camera)) {
      this.#view.set({ camera: null, zone: null });
      return;
    }
    this.#sheet.open();
    const open = this.#view.now;
    if (open.camera !== camera) this.#view.set({ camera, zone });
    else if (zone !== null && zone !== this.#openZone()) this.#view.set({ zone });
    else this.#showOpened(this.#began);
  }

  #showOpened(focus: boolean): void {
    this.#sheet.showCamera();
    this.#map?.keep(this.#camera(this.#view.now.camera));
    this.#pointing.draw();
    this.#opened.announce(focus);
    void this.#opened.load();
  }

  /** The zone whose day is open. */
  #openZone(): string | null {
    const { camera, zone } = this.#view.now;
    return zone ?? (camera === null ? null : (headlineZone(this.#cameras.get(camera)) ?? null));
  }

  #hover(target: Target | null): void {
    const camera = this.#camera(target?.camera ?? null);
    const zone = target?.zone && this.#zones.zone(target.camera, target.zone.id);
    if (camera && target?.zone && zone) this.#pointing.atZone(camera, zone, target.zone.at);
    else this.#pointing.at(camera, false);
  }

  #lookAt(zones: readonly Zone[]): void {
    const camera = this.#camera(this.#view.now.camera);
    if (!camera) return;
    this.#sheet.close();
    this.#legend.showZones(true); // the room it takes is to be left free
    this.#map?.lookAt([...corners(zones), [camera.lon, camera.lat]], byId("legend", HTMLElement));
  }

  #close(): void {
    const { camera } = this.#view.now;
    this.#view.set({ camera: null, zone: null });
    if (camera !== null) this.#list.focusOn(camera);
  }

  #closed(): void {
    this.#opened.hide();
    this.#map?.keep(null);
    this.#sheet.showList();
    this.#pointing.draw();
  }
}

function byCamera(cameras: readonly Camera[]): ReadonlyMap<string, Camera> {
  return new Map(cameras.map((camera) => [camera.id, camera]));
}
