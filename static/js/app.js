// Everything here shortens a trip that a link or a form makes as well. The only file that knows htmx's events.
(() => {
  "use strict";
  const toasts = document.getElementById("toasts");
  const dialog = document.getElementById("dialog");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /* the time zone of this browser, for pages of those who have no account */
  try {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone && !document.cookie.includes("mg_browser_zone=" + zone)) document.cookie = `mg_browser_zone=${zone}; path=${document.documentElement.dataset.cookies}; max-age=31536000; samesite=lax`;
  } catch { /* the times of the house */ }

  /* toasts */
  const fade = (toast) => setTimeout(() => toast.remove(), 5000);
  const addToast = (text, isError) => {
    const box = document.createElement("div");
    box.className = "toast show mg-toast" + (isError ? " mg-toast-error" : "");
    box.setAttribute("role", isError ? "alert" : "status");
    const body = document.createElement("div");
    body.className = "toast-body";
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.className = "btn-close";
    close.type = "button";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "×");
    body.append(words, close);
    box.append(body);
    toasts.append(box);
    if (!isError) fade(box);
  };
  toasts.querySelectorAll("[data-fade]").forEach(fade);
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) {
      if (node.nodeType === 1 && node.hasAttribute("data-fade")) fade(node);
    }
  }).observe(toasts, { childList: true });

  /* charts: <canvas data-chart="id of a JSON script block"> */
  const charts = new Map();
  const colour = (name) => style("--mg-bar-" + name) || style("--mg-bar-blue");
  const drawChart = (canvas, still) => {
    const source = document.getElementById(canvas.dataset.chart);
    if (!source || !window.Chart) return;
    charts.get(canvas)?.destroy();
    const data = JSON.parse(source.textContent);
    const text = style("--tblr-secondary");
    const grid = style("--mg-grid");
    const number = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });
    const exact = new Intl.NumberFormat(document.documentElement.lang);
    const axis = (title, position, hasGrid) => ({
      position, beginAtZero: true, border: { display: false }, title: { display: true, text: title, color: text },
      grid: { display: hasGrid, color: grid }, ticks: { color: text, precision: 0, maxTicksLimit: 6, callback: (v) => number.format(v) },
    });
    charts.set(canvas, new window.Chart(canvas, {
      data: {
        labels: data.labels,
        datasets: data.series.map((s) => ({
          type: s.kind, label: s.label, data: s.values, yAxisID: s.axis, stack: s.kind === "bar" ? "bars" : s.label,
          backgroundColor: s.kind === "bar" ? colour(s.colour) : "transparent", borderColor: colour(s.colour),
          borderWidth: s.kind === "bar" ? 0 : 2, borderRadius: 2, pointRadius: 0, pointHitRadius: 12, tension: 0.3, cubicInterpolationMode: "monotone",
          order: s.kind === "bar" ? 2 : 1, maxBarThickness: 36,
        })),
      },
      options: {
        responsive: true, maintainAspectRatio: false, interaction: { mode: "index", intersect: false },
        animation: still === true || matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 250 },
        scales: {
          x: { stacked: true, grid: { display: false }, border: { color: grid }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16 } },
          left: { ...axis(data.left, "left", true), stacked: true },
          ...(data.right ? { right: axis(data.right, "right", false) } : {}),
        },
        plugins: {
          legend: { align: "end", labels: { color: text, usePointStyle: true, pointStyle: "rectRounded", boxHeight: 8 } },
          tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${exact.format(item.parsed.y)}` } },
        },
      },
    }));
  };
  const drawCharts = (root) => root.querySelectorAll("canvas[data-chart]").forEach((canvas) => drawChart(canvas));
  const forgetCharts = () => charts.forEach((chart, canvas) => {
    if (!canvas.isConnected) { chart.destroy(); charts.delete(canvas); }
  });
  new MutationObserver(() => drawCharts(document)).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

  /* what is live: [data-live data-events] is a stream of itself; only parts that changed are put in, none under the
     pointer or with the focus in it. Where there is no stream, htmx asks every 15 s. */
  const inUse = (part) => part.matches(":hover, :focus-within");
  const putParts = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    fresh.querySelectorAll("[data-part]").forEach((part) => {
      const shown = document.getElementById(part.id);
      if (!shown || inUse(shown) || shown.isEqualNode(part)) return;
      const canvas = shown.querySelector("canvas[data-chart]");
      if (!canvas) { shown.replaceWith(document.adoptNode(part)); window.htmx?.process(part); return; }
      for (const kind of ["script[type='application/json']", "table"]) {
        const [before, after] = [shown.querySelector(kind), part.querySelector(kind)];
        if (before && after && !before.isEqualNode(after)) before.replaceWith(document.adoptNode(after));
      }
      const source = shown.querySelector("script[type='application/json']").textContent;
      if (canvas.dataset.drawn !== source) { canvas.dataset.drawn = source; drawChart(canvas, true); }
    });
  };
  let stream = null;
  const follow = () => {
    const isPaused = Boolean(document.querySelector("[data-pause]:checked"));
    document.querySelectorAll("[data-live]").forEach((e) => e.toggleAttribute("data-paused", isPaused));
    const live = document.querySelector("[data-live][data-events]");
    const wanted = live && !isPaused && !document.hidden && window.EventSource;
    if (stream && (!wanted || stream.readyState === 2)) { stream.close(); stream = null; live?.removeAttribute("data-streams"); }
    if (!wanted || stream) return;
    stream = new EventSource(live.dataset.events);
    stream.onopen = () => document.querySelector("[data-live]")?.setAttribute("data-streams", "");
    stream.onerror = () => document.querySelector("[data-live]")?.removeAttribute("data-streams");
    stream.onmessage = (event) => putParts(event.data);
    stream.addEventListener("end", () => location.reload());
  };
  document.addEventListener("visibilitychange", follow);
  follow();
  setInterval(follow, 15000);
  /* calls that run are counted on */
  const clocks = new WeakMap();
  setInterval(() => document.querySelectorAll("[data-waited]").forEach((e) => {
    if (e.closest("[data-paused]")) return;
    if (!clocks.has(e)) clocks.set(e, performance.now() - Number(e.dataset.waited));
    const s = Math.floor((performance.now() - clocks.get(e)) / 1000);
    e.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  }), 1000);

  /* drawer beside a list */
  let opener = null;
  const closeDrawer = () => {
    const drawer = document.querySelector(".mg-drawer:not(:empty)");
    if (!drawer) return false;
    drawer.replaceChildren();
    document.querySelectorAll("tr[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    opener?.focus();
    return true;
  };

  /* clicks */
  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      (button.closest("dialog") || document.body).append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    addToast(toasts.dataset.copied, false);
  };
  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    let found;
    if ((found = hit("[data-dismiss]"))) found.closest(".toast, .mg-notice")?.remove();
    else if ((found = hit("[data-copy]"))) copy(found);
    else if ((found = hit("[data-show]"))) { document.getElementById("menu")?.hidePopover?.(); document.getElementById(found.dataset.show)?.showModal(); }
    else if ((found = hit("[data-close]")) && (found.closest("dialog")?.open || found.closest(".mg-drawer"))) {
      event.preventDefault();
      if (found.closest("dialog")) found.closest("dialog").close(); else closeDrawer();
    }
    if (event.target.tagName === "DIALOG") event.target.close();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-submit] select")) event.target.form.requestSubmit();
    if (event.target.matches("[data-keys-switch]")) localStorage.setItem("mg-keys", event.target.checked ? "on" : "off");
    if (event.target.matches("[data-pause]")) follow();
  });
  /* a form is sent once */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || form.hasAttribute("hx-post") || form.method === "get" || form.hasAttribute("data-again")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }));

  /* what is cut is told whole under the pointer */
  document.addEventListener("pointerover", (event) => {
    const cut = event.target.closest?.(".mg-clip, .mg-wide td, .form-select");
    if (cut?.matches("select")) cut.title = cut.selectedOptions[0]?.text ?? "";
    else if (cut && !cut.title && cut.scrollWidth > cut.clientWidth) cut.title = cut.textContent.trim();
  });

  /* keyboard: single letters, off while typing, and switchable */
  const keysOn = () => localStorage.getItem("mg-keys") !== "off";
  document.querySelectorAll("[data-keys-switch]").forEach((box) => { box.checked = keysOn(); });
  let pending = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && closeDrawer()) return;
    const typing = event.target.matches("input, textarea, select, [contenteditable]");
    if (typing || !keysOn() || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const afterG = Date.now() - pending < 1500;
    pending = 0;
    if (afterG) {
      const link = document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") pending = Date.now();
    else if (event.key === "?") { event.preventDefault(); document.getElementById("keys")?.showModal(); }
    else if (event.key === "/") {
      const field = document.querySelector("[data-search]");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    }
  });

  /* htmx */
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const live = event.detail.elt.closest("[data-live]");
    if (live && event.detail.elt === live && (live.matches("[data-paused], [data-streams]") || document.hidden || inUse(live))) return event.preventDefault();
    if (event.detail.target?.matches(".mg-drawer")) opener = event.detail.elt;
    event.detail.elt.querySelectorAll("button[type=submit]").forEach((b) => { b.disabled = true; });
    if (!live) event.detail.target?.setAttribute("aria-busy", "true");
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    event.detail.elt.querySelectorAll("button[type=submit]").forEach((b) => { b.disabled = false; });
    event.detail.target?.removeAttribute("aria-busy");
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (target === dialog && dialog.childElementCount && !dialog.open) {
      dialog.showModal();
      dialog.querySelector("[autofocus], [data-close]")?.focus();
    }
    if (target.matches(".mg-drawer")) {
      document.querySelectorAll("tr[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
      opener?.closest("tr")?.setAttribute("aria-current", "true");
      target.querySelector("h2")?.focus();
    }
    target.querySelector?.("[aria-invalid=true], [data-invalid]")?.focus();
  });
  document.body.addEventListener("htmx:load", (event) => { forgetCharts(); drawCharts(event.detail.elt); });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.body.addEventListener(name, (event) => {
      if (!event.detail.elt.closest("[data-live]")) addToast(toasts.dataset.failed, true);
    });
  }
  document.querySelector("main [aria-invalid=true], main [data-invalid]")?.focus();
  if (!window.htmx) drawCharts(document);
})();
