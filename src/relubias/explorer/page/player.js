/** Play, pause, step, and the slider over frames. */

/** @typedef {import("./app.js").App} App */

const PER_SECOND = 20;
const CALM_PER_SECOND = 5;

/** @param {App} app */
export function initPlayer(app) {
  const slider = /** @type {HTMLInputElement} */ (document.getElementById("frame"));
  const play = /** @type {HTMLButtonElement} */ (document.getElementById("play"));
  const time = /** @type {HTMLOutputElement} */ (document.getElementById("time"));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const show = () => {
    const data = app.data;
    if (!data) return;
    const frame = app.currentFrame();
    slider.max = String(data.frames - 1);
    slider.value = String(frame);
    slider.setAttribute("aria-valuetext", `${data.timeWords(frame)}, frame ${frame} of ${data.frames - 1}`);
    time.textContent = data.timeWords(frame);
    document.documentElement.dataset.frame = String(frame);
  };

  if (calm.matches) app.setView({ play: false });
  let running = false;
  let last = 0;
  /** @param {number} now */
  const tick = (now) => {
    if (!app.getView().play || !app.data) {
      running = false;
      return;
    }
    const pause = 1000 / (calm.matches ? CALM_PER_SECOND : PER_SECOND);
    if (now - last >= pause - 4) {
      last = now;
      const next = app.currentFrame() + 1;
      if (next >= app.frames()) app.setView({ play: false });
      else app.setFrame(next);
    }
    requestAnimationFrame(tick);
  };
  const start = () => {
    const playing = app.getView().play;
    play.textContent = playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.setAttribute("aria-pressed", String(playing));
    if (!playing || running || !app.data) return;
    running = true;
    last = 0;
    requestAnimationFrame(tick);
  };

  app.onView((_look, moved) => {
    if (moved.has("t")) show();
    start();
  });
  slider.addEventListener("input", () => step(app, slider.valueAsNumber - app.currentFrame()));
  play.addEventListener("click", () => toggle(app));
  document.getElementById("step-back")?.addEventListener("click", () => step(app, -1));
  document.getElementById("step-forward")?.addEventListener("click", () => step(app, 1));
}

/** Play from here, or from the start if time is over; or pause. @param {App} app */
export function toggle(app) {
  const playing = !app.getView().play;
  if (playing && app.currentFrame() >= app.frames() - 1) app.setFrame(0);
  app.setView({ play: playing });
}

/** Move by frames, and stop playing. @type {(app: App, frames: number) => void} */
export function step(app, frames) {
  app.setView({ play: false });
  app.setFrame(app.currentFrame() + frames);
}
