/** The page put together: what the reader asks for changes the view, and what changed is loaded and drawn. */

import * as api from "./api.ts";
import { firstCounts, introduce } from "./arrival.ts";
import { byCamera, placed } from "./cameras.ts";
import { changeCard, hexagonCard } from "./card.ts";
import { Choices } from "./choices.ts";
import { commonest } from "./commonest.ts";
import { Cover, describe, tryAgain } from "./cover.ts";
import { byId } from "./dom.ts";
import { Figures, type Frame } from "./figures.ts";
import { type View, formatHash, parseHash } from "./hash.ts";
import { HotspotLayer } from "./hotspot_layer.ts";
import { Legend } from "./legend.ts";
import { LiveFeed } from "./live.ts";
import type { CityMap, Target } from "./map.ts";
import { Pointing } from "./pointing.ts";
import { shown } from "./scales.ts";
import { cityMap, lay } from "./scenery.ts";
import { Side } from "./side.ts";
import { State } from "./state.ts";
import { corners } from "./street.ts";
import { showStreet } from "./street_zones.ts";
import { EMPTY } from "./style.ts";
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
    measure: "index",
    hotspots: true,
    list: "cameras",
    change: null,
  });
  readonly #cover = new Cover();
  readonly #legend = new Legend(byId("legend", HTMLElement));
  readonly #pointing = new Pointing(new Tooltip(byId("tooltip", HTMLElement)), () => ({
    figures: this.#figures,
    frame: this.#frame,
    series: this.#view.now.series,
    measure: this.#scale().scale.measure,
    hotspots: this.#hotspots.state.found?.zones ?? null,
    openCamera: this.#view.now.camera,
    openZone: this.#openZone(),
  }));
  readonly #zones = new Zones();
  readonly #choices = new Choices((patch) => this.#view.set(patch));
  readonly #hotspots = new HotspotLayer(() => this.#drawUnusual());
  readonly #side = new Side(
    {
      change: (patch) => this.#view.set(patch),
      open: (camera, zone) => this.#open(camera, zone),
      point: (camera, reveal) => this.#pointing.at(this.#camera(camera), reveal),
      pointChange: (change, reveal) => this.#pointChange(change?.id ?? null, reveal),
      pick: (moment) => this.#goTo(moment),
      lookAt: (zones) => this.#lookAt(zones),
      changes: () => this.#drawUnusual(),
    },
    () => ({
      view: this.#view.now,
      figures: this.#figures,
      zones: this.#zones,
      stored: this.#stored,
      timezone: this.#timezone,
      cameras: this.#cameras,
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
    if (this.#map) void lay(this.#map, about);
    const cameras = await this.#cover.patiently("the cameras", api.cameras);
    this.#setCameras(cameras);
    if (cameras.length === 0) {
      this.#cover.say("No cameras", "None is configured: name some in the configuration and start the service again.");
      return;
    }
    this.#drawLegend();
    this.#map?.fit(cameras, byId("legend", HTMLElement));
    this.#stored = await firstCounts(this.#cover);
    this.#view.set(parseHash(location.hash, about.classes));
    this.#view.subscribe((next, before) => this.#changed(next, before));
    window.addEventListener("hashchange", () => this.#revisit(about));
    document.addEventListener("visibilitychange", () => this.#rest(document.hidden));
    void this.#side.changes.load(this.#timezone);
    this.#side.arrange(false);
    await this.#begin();
    if (this.#view.now.camera !== null) this.#open(this.#view.now.camera);
    this.#began = true;
    window.setInterval(() => void (document.hidden || this.#refresh()), REFRESH_MS);
  }

  #startMap(): void {
    this.#map = cityMap({
      hover: (target) => this.#hover(target),
      pick: (target) => this.#pick(target),
      moved: () => this.#pointing.follow(),
      settled: () => this.#drawStreet(),
    });
    if (this.#map) this.#pointing.useMap(this.#map);
  }

  /** Cameras come, go and break while the page is open; the list is made anew only where it would be another. */
  async #refreshCameras(): Promise<void> {
    const cameras = await api.cameras().catch(() => null);
    if (cameras === null) return;
    this.#zones.refresh();
    if (placed(cameras) !== placed(this.#cameras.values())) this.#setCameras(cameras);
    else this.#cameras = byCamera(cameras);
  }

  #setCameras(cameras: readonly Camera[]): void {
    this.#cameras = byCamera(cameras);
    this.#timezone = commonest(cameras.map((camera) => camera.timezone)) ?? "UTC";
    this.#side.cameras.setCameras(cameras);
  }

  /** Start afresh with the series and width of the view. */
  async #begin(): Promise<void> {
    const { series, width } = this.#view.now;
    const figures = new Figures(series, width);
    this.#figures = figures;
    this.#choices.show(this.#view.now);
    this.#drawLegend();
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
    this.#choices.show(next);
    const other = (...keys: (keyof View)[]): boolean => keys.some((key) => next[key] !== before[key]);
    if (other("series", "width")) void this.#begin();
    else if (other("at", "live")) void this.#show();
    else if (other("measure", "hotspots")) this.#draw();
    if (other("camera", "change", "list")) this.#arrange(this.#began);
    else if (other("zone", "measure", "series")) this.#arrange(false);
  }

  /** Bring the figures of the view onto the page. */
  async #show(): Promise<void> {
    const { at, live, width } = this.#view.now;
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
    this.#draw();
    this.#side.update();
    // The next step is on its way before it is asked for.
    const next = at + WIDTH_MS[width];
    if (!live && next <= this.#stored.end) void figures.frame(next).catch(() => undefined);
  }

  #scale(): ReturnType<typeof shown> {
    return shown(this.#view.now.measure, this.#frame);
  }

  /** The figures of this window on the map and in the list. */
  #draw(): void {
    const { series, width, at, live, hotspots } = this.#view.now;
    this.#map?.show(this.#cameras.values(), this.#frame, series, this.#scale().scale);
    this.#drawStreet();
    this.#hotspots.show(hotspots ? { series, width, at: live ? null : at, cameras: this.#cameras } : null);
    this.#drawUnusual();
  }

  /** What is unusual and what was changed, once that is known. */
  #drawUnusual(): void {
    const { found } = this.#hotspots.state;
    const [frame, series, scale] = [this.#frame, this.#view.now.series, this.#scale().scale];
    this.#map?.showHotspots(found?.drawn ?? EMPTY);
    this.#map?.showChanges(this.#side.changes.features());
    this.#side.show({ frame, series, scale, hotspots: found?.zones ?? null });
    this.#drawLegend();
    this.#pointing.draw();
  }

  #drawLegend(): void {
    const { series, width, at } = this.#view.now;
    const told = { hotspots: this.#hotspots.told(at, this.#timezone), changes: this.#side.changes.any() };
    this.#legend.show({ ...this.#scale(), series, width, ...told });
  }

  #drawStreet(): void {
    if (!this.#map) return;
    void showStreet(this.#map, this.#zones, this.#legend, () => {
      const { series } = this.#view.now;
      return { cameras: this.#cameras, frame: this.#frame, series, measure: this.#scale().scale.measure };
    });
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
      this.#side.update();
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
    void this.#side.changes.load(this.#timezone);
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

  // -- what is opened or pointed at ---------------------------------------------------------------------------

  #open(camera: string, zone: string | null = null): void {
    if (!this.#cameras.has(camera)) {
      this.#view.set({ camera: null, zone: null });
      return;
    }
    this.#side.raise();
    const open = this.#view.now;
    if (open.camera !== camera) this.#view.set({ camera, zone });
    else if (zone !== null && zone !== this.#openZone()) this.#view.set({ zone });
    else this.#arrange(this.#began);
  }

  /** What is beside the map, and what of it is kept in view on it. */
  #arrange(focus: boolean): void {
    const { camera, change } = this.#view.now;
    const opened = camera === null && change !== null ? this.#side.changes.get(change) : null;
    this.#side.arrange(focus);
    this.#map?.keep(this.#camera(camera) ?? opened);
    this.#map?.chooseChange(opened?.id ?? null);
    this.#pointing.draw();
  }

  /** The zone whose day is open. */
  #openZone(): string | null {
    const { camera, zone } = this.#view.now;
    return zone ?? (camera === null ? null : (headlineZone(this.#cameras.get(camera)) ?? null));
  }

  #pick(target: Target): void {
    if (target.kind === "camera") this.#open(target.id);
    else if (target.kind === "zone") this.#open(target.camera, target.id);
    else if (target.kind === "change") {
      this.#side.raise();
      this.#view.set({ change: target.id, camera: null, zone: null });
    } else this.#map?.lookAt(this.#hotspots.corners(target.id), byId("legend", HTMLElement));
  }

  #hover(target: Target | null): void {
    if (target?.kind === "zone") {
      const [camera, zone] = [this.#camera(target.camera), this.#zones.zone(target.camera, target.id)];
      if (camera && zone) this.#pointing.atZone(camera, zone, target.at);
    } else if (target?.kind === "hotspot") {
      const spot = this.#hotspots.state.found?.cells.get(target.id);
      const card = spot && ((): HTMLElement[] => hexagonCard(spot, this.#view.now.series, this.#timezone));
      if (card) this.#pointing.atPlace({ at: target.at, card });
    } else if (target?.kind === "change") this.#pointChange(target.id, false);
    else this.#pointing.at(this.#camera(target?.id ?? null), false);
  }

  #pointChange(id: string | null, reveal: boolean): void {
    const change = id === null ? null : this.#side.changes.get(id);
    if (!change) {
      this.#pointing.at(null, false);
      return;
    }
    if (reveal) this.#map?.reveal(change);
    this.#pointing.atPlace({ at: [change.lon, change.lat], card: () => changeCard(change, this.#timezone) });
  }

  #lookAt(zones: readonly Zone[]): void {
    const camera = this.#camera(this.#view.now.camera);
    if (!camera) return;
    this.#legend.showZones(true); // the room it takes is to be left free
    this.#map?.lookAt([...corners(zones), [camera.lon, camera.lat]], byId("legend", HTMLElement));
  }
}
