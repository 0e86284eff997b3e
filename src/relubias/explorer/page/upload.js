// Own data: a button, a file dropped on the page, and what is wrong with it in one sentence.

const ENDINGS = [".npz", ".npy", ".csv", ".parquet"];

/** @typedef {{id: string, name: string, n: number, d: number, has_labels?: boolean}} Uploaded */

/**
 * Let people choose a file or drop one; say whose data is shown, with a way back.
 * @param {any} app
 */
export function initUpload(app) {
  const element = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  const input = element("upload");
  const message = element("upload-message");
  const limit = Number(document.querySelector("meta[name=relubias-upload-limit]")?.getAttribute("content"));
  let number = 0; // of the newest file: answers to older ones are dropped
  let known = /** @type {Uploaded | null} */ (null); // what the server said of the file it holds

  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = ""; // so that the same file, mended, can be chosen again
    take(files);
  });
  element("data-clear").addEventListener("click", () => {
    app.setState({ data: null });
    input.focus();
  });
  watchDrops(take);
  app.onState(show);
  show(app.getState());

  async function take(/** @type {File[]} */ files) {
    if (files.length === 0) return;
    const mine = ++number;
    message.textContent = "";
    try {
      if (files.length > 1) throw new Error(`One file at a time, please: ${files.length} were given.`);
      const answer = await send(app, files[0], limit);
      if (mine !== number) return;
      known = answer;
      app.setState({ data: answer.id });
    } catch (error) {
      if (mine === number) message.textContent = /** @type {Error} */ (error).message;
    }
  }

  function show(/** @type {any} */ state) {
    element("data-slot").hidden = !state.data;
    const about = known?.id === state.data ? known : null;
    element("data-name").textContent = about ? sentence(about) : "Data from a file.";
    if (!state.data) message.textContent = "";
  }
}

/**
 * What is known of a file in one sentence.
 * @param {Uploaded} answer
 * @returns {string}
 */
export function sentence(answer) {
  const labels = answer.has_labels === false ? ", without labels: they are drawn" : "";
  return `${answer.name}: ${count(answer.n, "example")} of ${count(answer.d, "feature")}${labels}.`;
}

/** @type {(number: number, noun: string) => string} */
function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * Send a file; throws an error with a sentence for people.
 * @param {any} app
 * @param {File} file
 * @param {number} limit bytes; NaN if unknown
 * @returns {Promise<Uploaded>}
 */
export async function send(app, file, limit = NaN) {
  const name = file.name.toLowerCase();
  if (!ENDINGS.some((ending) => name.endsWith(ending))) {
    const known = `${ENDINGS.slice(0, -1).join(", ")} or ${ENDINGS.at(-1)}`;
    throw new Error(`${file.name} is not a data file: its name must end in ${known}.`);
  }
  if (file.size > limit) {
    throw new Error(`${file.name} has ${megabytes(file.size)}; at most ${megabytes(limit)} are taken.`);
  }
  let body;
  try {
    body = await file.arrayBuffer(); // fails for a folder, and for a file that has vanished
  } catch {
    throw new Error(`${file.name} cannot be read.`);
  }
  if (body.byteLength === 0) throw new Error(`${file.name} is empty.`);
  return app.request(`/api/data?name=${encodeURIComponent(file.name)}`, { body });
}

/** @param {number} bytes */
function megabytes(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * Take files that are dropped anywhere on the page; the root says so while one is held over it.
 * @param {(files: File[]) => void} take
 */
function watchDrops(take) {
  const root = document.documentElement;
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  const mark = (/** @type {boolean} */ isOver) => root.toggleAttribute("data-dropping", isOver);
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else the browser would open the file
    mark(true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) mark(false); // left the window
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(false);
    take([...(event.dataTransfer?.files ?? [])]);
  });
}
