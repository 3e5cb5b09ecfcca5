/** The calibration page: the zones of a camera are drawn, and its picture is tied to the map. */

import * as api from "./api.ts";
import { Desk } from "./calibrate/desk.ts";
import type { Opened } from "./calibrate/site.ts";
import { Workbench } from "./calibrate/workbench.ts";
import { Cover } from "./cover.ts";
import { byId, h } from "./dom.ts";

/** From /operations/calibrate/CAMERA to where the service begins. */
const ROOT = "../../";

/** The site of the camera that the address names; null where there is none for us, which is said. */
function opened(desk: Desk, cover: Cover): Promise<Opened | null> {
  return cover.patiently("this camera", async () => {
    try {
      return await desk.open();
    } catch (error) {
      if (!(error instanceof api.Problem) || error.status >= 500) throw error;
      cover.say("This camera cannot be calibrated here", error.message);
      return null;
    }
  });
}

async function start(): Promise<void> {
  const cover = new Cover();
  cover.say("Loading the camera…");
  const about = await cover.patiently("this page", () => api.about(ROOT));
  byId("name", HTMLElement).textContent = about.name;
  const notice = byId("notice", HTMLElement);
  notice.textContent = about.notice;
  notice.hidden = about.notice === null;
  const desk = new Desk(location.pathname);
  const found = await opened(desk, cover);
  if (!found) return;
  document.title = `${found.camera.name} · zones and ground · ${about.name}`;
  byId("camera", HTMLElement).replaceChildren(`${found.camera.name} `, h("small", {}, found.camera.id));
  byId("back", HTMLAnchorElement).hash = `camera=${encodeURIComponent(found.camera.id)}`;
  cover.hide();
  byId("desk", HTMLElement).hidden = false;
  const bench = new Workbench(desk, found);
  await bench.scenery(about, about.outlines ? await api.outlines(ROOT).catch(() => null) : null);
}

void start();
