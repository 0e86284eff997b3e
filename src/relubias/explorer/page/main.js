/** Puts the page together and asks for the first answer. */

import { App } from "./app.js";
import { Controls } from "./controls.js";
import { initEnlarge } from "./enlarge.js";
import { initExport } from "./export.js";
import { initHelp } from "./help.js";
import { initKeys } from "./keys.js";
import { initPlayer } from "./player.js";
import { initPresets } from "./presets.js";
import { initSheet } from "./sheet.js";
import { Theme } from "./theme.js";
import { initUpload } from "./upload.js";
import { initUrl } from "./url.js";
import { GapView } from "./view-gap.js";
import { LossView } from "./view-loss.js";
import { MapView } from "./view-map.js";
import { PlaneView } from "./view-plane.js";
import { PrimalView } from "./view-primal.js";
import { initWords } from "./words.js";

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const app = new App(new Theme(element("theme")));
const controls = new Controls(element("fields"), app.settings);
app.views = {
  primal: new PrimalView(app),
  plane: new PlaneView(app),
  map: new MapView(app),
  loss: new LossView(app),
  gap: new GapView(app),
};
initUrl(app);
initWords(app, controls);
initPlayer(app);
initKeys(app);
initEnlarge(app);
initHelp();
initSheet();
initPresets(app);
initExport(app);
initUpload(app);
app.runner.ask(app.getState());
