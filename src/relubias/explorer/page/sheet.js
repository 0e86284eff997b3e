/** On a narrow screen the settings are a sheet over the page, opened by a button. */

/** Wires the sheet's buttons. */
export function initSheet() {
  const sheet = /** @type {HTMLElement} */ (document.getElementById("controls"));
  const opener = /** @type {HTMLElement} */ (document.getElementById("controls-toggle"));
  const closer = /** @type {HTMLElement} */ (document.getElementById("controls-close"));
  const set = (/** @type {boolean} */ open) => {
    sheet.classList.toggle("open", open);
    opener.setAttribute("aria-expanded", String(open));
  };
  opener.addEventListener("click", () => {
    const open = opener.getAttribute("aria-expanded") === "false";
    set(open);
    if (open) closer.focus();
  });
  closer.addEventListener("click", () => {
    set(false);
    opener.focus();
  });
  sheet.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !sheet.classList.contains("open")) return;
    set(false);
    opener.focus();
  });
}
