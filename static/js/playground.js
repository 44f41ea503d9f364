// The playground as a stream. Without this file the form brings the whole answer. Text goes in as text; the markup of a
// complete answer is made and cleaned by the server.
(() => {
  "use strict";
  const form = document.querySelector("form[data-talk]");
  if (!form || !window.ReadableStream) return;
  const part = (name, root = form) => root.querySelector(`[data-${name}]`);
  const [turns, send, stop, problem, status] = ["turns", "send", "stop", "problem", "status"].map((name) => part(name));
  const message = form.elements.namedItem("message");
  let running = null;

  const addTurn = (role, text) => {
    const turn = document.getElementById("turn-" + role).content.firstElementChild.cloneNode(true);
    part("said", turn).firstElementChild.textContent = text;
    turns.append(turn);
    return turn;
  };
  const remember = (turn, role, text) => {
    for (const [name, value] of [["role", role], ["text", text]]) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = value;
      turn.append(field);
    }
  };
  const complain = (text) => {
    problem.lastElementChild.textContent = text;
    problem.hidden = !text;
  };
  const work = (on) => {
    send.disabled = on;
    stop.hidden = !on;
    status.textContent = on ? form.dataset.answering : "";
    if (on) stop.focus(); else if (document.activeElement === stop || document.activeElement === document.body) message.focus();
  };

  /* the events of an answer, put into its turn; gives what came of it */
  const read = async (body, turn, answer) => {
    const [said, thought, note] = [part("said", turn).firstElementChild, part("thought", turn), part("note", turn)];
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith("data:") || line.slice(5).trim() === "[DONE]") continue;
        const event = JSON.parse(line.slice(5));
        if (event.error) throw new Error(`${form.dataset.broken} ${event.error.message || ""}`);
        const choice = event.choices?.[0];
        const thinks = choice?.delta?.reasoning_content || choice?.delta?.reasoning;
        if (thinks) { thought.hidden = false; thought.lastElementChild.textContent += thinks; }
        if (choice?.delta?.content) { answer.text += choice.delta.content; said.textContent = answer.text; }
        if (choice?.finish_reason === "length") note.textContent = form.dataset.cut;
      }
    }
  };
  const show = async (place, address, options) => {
    const response = await fetch(address, { ...options, headers: { "hx-request": "true" } });
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    place.replaceChildren(...fresh.body.children);
  };
  const showReceipt = (id, place) => id ? show(place, form.dataset.receipts + id) : Promise.resolve();
  const showProse = (turn, text) => {
    const body = new URLSearchParams({ csrf: form.elements.namedItem("csrf").value, text });
    return show(part("said", turn), form.dataset.prose, { method: "POST", body });
  };

  const talk = async () => {
    const text = message.value.trim();
    const body = new URLSearchParams(new FormData(form));
    running = new AbortController();
    complain("");
    work(true);
    const answer = { text: "" };
    let [asked, turn, call] = [null, null, ""];
    try {
      const response = await fetch(form.dataset.talk, { method: "POST", body, signal: running.signal });
      call = response.headers.get("x-modelgate-call") || "";
      const kind = response.headers.get("content-type") || "";
      if (response.redirected) return location.reload();
      if (!kind.startsWith("text/event-stream")) {
        const told = kind.startsWith("application/json") ? await response.json() : {};
        if (!told.answer) return complain(told.message || (response.status === 400 ? form.dataset.toolong : form.dataset.lost));
        answer.text = told.answer;
      }
      asked = addTurn("user", text);
      turn = addTurn("assistant", answer.text);
      message.value = "";
      if (!answer.text) await read(response.body, turn, answer);
      status.textContent = form.dataset.answered;
    } catch (error) {
      if (error.name === "AbortError") {
        if (turn) part("note", turn).textContent = form.dataset.stopped; else complain(form.dataset.stopped);
      } else complain(turn ? error.message : form.dataset.lost);
      if (!answer.text) message.value = text;
    } finally {
      running = null;
      work(false);
      if (asked && answer.text) { remember(asked, "user", text); remember(turn, "assistant", answer.text); showProse(turn, answer.text).catch(() => {}); }
      showReceipt(call, turn ? part("receipt", turn) : part("outcome")).catch(() => {});
    }
  };

  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "code") return;
    event.preventDefault();
    event.stopPropagation();
    if (!running && message.value.trim()) talk(); else message.focus();
  });
  stop.addEventListener("click", () => running?.abort());
  message.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(send); }
  });
})();
