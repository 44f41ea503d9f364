// Rows that can be dragged into another order. The buttons of each row do the same without this file.
(() => {
  "use strict";
  const list = document.querySelector("[data-reorder]");
  if (!list) return;
  const rows = () => [...list.querySelectorAll(":scope > [data-row]")];
  let dragged = null;
  let held = false;
  let home = null;
  list.addEventListener("pointerdown", (event) => { held = Boolean(event.target.closest("[data-handle]")); });
  for (const row of rows()) row.draggable = true;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-row]");
    // text in fields is selected by dragging, so a row is moved by its handle alone
    if (!held || !dragged) { dragged = null; return event.preventDefault(); }
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.row);
    dragged.classList.add("mg-dragged");
    home = dragged.nextSibling;
  });
  /* the row before which it would be dropped; none at the end */
  const before = (y) => rows().find((row) => row !== dragged && y < row.getBoundingClientRect().top + row.offsetHeight / 2);
  list.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    list.insertBefore(dragged, before(event.clientY) || rows().at(-1).nextSibling);
  });
  list.addEventListener("dragend", () => {
    dragged?.classList.remove("mg-dragged");
    if (home) list.insertBefore(dragged, home);
  });
  list.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    home = null;
    const form = document.getElementById(list.dataset.reorder);
    const next = rows()[rows().indexOf(dragged) + 1];
    form.elements.namedItem("target").value = dragged.dataset.row;
    form.elements.namedItem("before").value = next ? next.dataset.row : "";
    form.requestSubmit();
  });
})();
