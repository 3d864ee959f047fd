"use strict";
// Asks /status once a second; the charts begin with what /history has.

const POLL_MS = 1000;
const PATIENCE_MS = 4000;
const WINDOWS_S = [60, 120, 300];  // what a chart shows: as little as holds what there is
const EVENTS_MAX = 8;
const NONE = "–";

const by = (id) => document.getElementById(id);
const text = (id, value) => { const e = by(id); if (e.textContent !== value) e.textContent = value; };
function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// --- Numbers as people read them ---------------------------------------------------------------

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
function count(n) {
  if (n >= 1e9) return (n / 1e9).toFixed(2) + " G";
  if (n >= 1e7) return (n / 1e6).toFixed(1) + " M";
  return whole.format(n);
}
const rate = (n) => (n > 0 && n < 10 ? n.toFixed(1) : count(n));
function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; ++i) n /= 1024;
  return (i === 0 || n >= 100 ? n.toFixed(0) : n.toFixed(1)) + " " + units[i];
}
// A duration as [number, unit], with about three digits.
function duration(us) {
  if (us === null || us === undefined) return [NONE, ""];
  const digits = (n) => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2));
  if (us < 1000) return [us.toFixed(0), "µs"];
  if (us < 1e6) return [digits(us / 1e3), "ms"];
  return [digits(us / 1e6), "s"];
}
const spelled = (us) => duration(us).join(" ").trim();
// The same at the axis of a chart, where round numbers are.
const spelled_round = (us) => (us === 0 ? "0" : spelled(us).replace(/\.0+ /, " "));
function span(seconds) {
  const s = Math.floor(seconds), d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
  if (d > 0) return `${d} d ${h} h`;
  if (h > 0) return `${h} h ${m} min`;
  return m > 0 ? `${m} min ${s % 60} s` : `${s} s`;
}
const percent = (share) => Math.round(share * 100) + " %";
const clock = (date) => date.toLocaleTimeString("en-GB");
const rejected = (counters) => REASONS.reduce((sum, [word]) => sum + counters[word], 0);
const REASONS = [
  ["outcome_malformed", "malformed"], ["outcome_bad_signature", "bad signature"],
  ["outcome_unsupported", "unsupported chain or version"], ["outcome_too_large", "too large"],
  ["outcome_refused_by_database", "refused by PostgreSQL"], ["outcome_time_out_of_range", "time out of range"],
];

// --- Charts ------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";
let samples = [];  // as in /history, oldest first

// The least of 1, 2, 2.5, 5 times a power of ten that is not below `most` / `steps`.
function tick(most, steps) {
  const raw = Math.max(most, 1e-9) / steps, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999999) * power;
}

function chart(id, lines, label, least, describe) {
  const svg = by(id);
  let pointer = null;  // where in the chart a person points, in pixels
  const make = (tag, attributes, content) => {
    const e = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    if (content !== undefined) e.textContent = content;
    svg.append(e);
  };
  function draw() {
    const width = svg.clientWidth, height = svg.clientHeight;
    if (width === 0) return;
    const left = 58, right = width - 8, top = 10, bottom = height - 22;
    const newest = samples.length ? samples[samples.length - 1].t : 0;
    const age = samples.length ? newest - samples[0].t : 0;
    const seconds = WINDOWS_S.find((w) => w >= age) ?? WINDOWS_S.at(-1);
    const shown = samples.filter((s) => s.t >= newest - seconds);
    const most = Math.max(least, ...shown.flatMap((s) => lines.map((l) => s[l.key] ?? 0)));
    const step = tick(most, 4), highest = Math.ceil(most / step - 1e-6) * step;
    const x = (t) => right - ((newest - t) / seconds) * (right - left);
    const y = (v) => bottom - (v / highest) * (bottom - top);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    for (let v = 0; v <= highest * 1.0001; v += step) {
      make("line", { class: "grid", x1: left, x2: right, y1: y(v), y2: y(v) });
      make("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, label(v));
    }
    const apart = seconds <= 60 ? 20 : seconds <= 120 ? 30 : width < 420 ? 120 : 60;
    for (let ago = apart; ago <= seconds; ago += apart) {
      const label_x = x(newest - ago);
      make("text", { x: label_x, y: height - 5, "text-anchor": label_x < left + 20 ? "start" : "middle" },
        ago % 60 === 0 ? `−${ago / 60} min` : `−${ago} s`);
    }
    make("text", { x: right, y: height - 5, "text-anchor": "end" }, "now");
    for (const line of lines) {
      // Where there is no value, or no sample for a while, the line has a gap.
      let path = "", begun = null, before = null;
      const under = (end) => line.filled && begun !== null &&
        make("path", { class: "under", d: `${begun}${path.slice(path.lastIndexOf("M") + 1)}L${x(end)},${bottom}Z` });
      for (const s of shown) {
        const v = s[line.key];
        if (v === null || v === undefined) { if (before) under(before.t); begun = before = null; continue; }
        const point = `${x(s.t).toFixed(1)},${y(v).toFixed(1)}`;
        if (before && s.t - before.t < 5) {
          path += "L" + point;
        } else {
          if (before) under(before.t);
          begun = `M${x(s.t).toFixed(1)},${bottom}L`;
          path += "M" + point;
        }
        before = s;
      }
      if (before) under(before.t);
      if (path) make("path", { class: line.look, d: path });
    }
    if (pointer !== null && shown.length) {
      const t = newest - ((right - pointer) / (right - left)) * seconds;
      const s = shown.reduce((a, b) => (Math.abs(b.t - t) < Math.abs(a.t - t) ? b : a));
      make("line", { class: "cursor", x1: x(s.t), x2: x(s.t), y1: top, y2: bottom });
      describe(s, clock(new Date(s.t * 1000)));
    } else if (shown.length) {
      describe(shown[shown.length - 1], null);
    }
  }
  svg.addEventListener("pointermove", (e) => { pointer = e.clientX - svg.getBoundingClientRect().left; draw(); });
  svg.addEventListener("pointerleave", () => { pointer = null; draw(); });
  new ResizeObserver(draw).observe(svg);
  return draw;
}

const draw_committed = chart("chart-committed", [{ key: "committed_per_second", look: "a", filled: true }], count, 10, (s, at) => {
  text("key-committed", `${at ?? "now"}: ${rate(s.committed_per_second)}`);
  if (at === null) by("chart-committed").setAttribute("aria-label", `Committed transactions per second over five minutes, now ${rate(s.committed_per_second)}`);
});
const draw_latency = chart("chart-latency",
  [{ key: "receive_to_ack_p50_us", look: "a" }, { key: "receive_to_ack_p99_us", look: "b" }], spelled_round, 1000, (s, at) => {
  const [p50, p99] = [spelled(s.receive_to_ack_p50_us), spelled(s.receive_to_ack_p99_us)];
  text("key-p50", `${at ? at + " " : ""}p50 ${p50}`);
  text("key-p99", `p99 ${p99}`);
  if (at === null) by("chart-latency").setAttribute("aria-label", `Time from receipt to acknowledgement over five minutes, now p50 ${p50}, p99 ${p99}`);
});
function draw_charts() { draw_committed(); draw_latency(); }

// --- Processes ---------------------------------------------------------------------------------

const LOOKS = { ready: "good", serving: "good", starting: "idle", empty: "bad", held_back: "bad", silent: "bad", draining: "warn", degraded: "warn", retired: "idle" };
const STATES = { empty: "no process", held_back: "held back", silent: "does not respond" };
const named = (state) => STATES[state] ?? state;

function pill(e, state) {
  e.className = "pill " + (LOOKS[state] ?? "idle");
  if (e.textContent !== named(state)) e.textContent = named(state);
}

// The cells of a row after its name, in the order of the table's head.
const CELLS = [
  { label: "State", make: () => element("span", { class: "pill" }), show: (e, s) => pill(e.firstChild, s.state) },
  { label: "Committed per second", workers: true, show: (e, s) => (e.textContent = rate(s.recent.committed_per_second)) },
  { label: "Event loop busy", make: bar, show: (e, s) => set_bar(e.firstChild, s.recent.loop_utilisation) },
  { label: "Verification threads busy", workers: true, make: bar, show: (e, s) => set_bar(e.firstChild, s.recent.verify_utilisation) },
  { label: "To verify, parcels", workers: true, show: (e, s) => depth(e, s, "verify_queue", count) },
  { label: "To write, transactions", workers: true, show: (e, s) => depth(e, s, "batch_queue", count) },
  { label: "In flight", workers: true, show: (e, s) => depth(e, s, "in_flight_bytes", bytes) },
  { label: "Receive to ack", workers: true, show: (e, s) => {
    const t = s.recent.timings.receive_to_ack;
    const [[p99, unit], [p999, unit_too]] = [duration(t.p99_us), duration(t.p999_us)];
    two_lines(e, spelled(t.p50_us), `p99 ${p99}${unit === unit_too ? "" : " " + unit}, p99.9 ${p999} ${unit_too}`);
  } },
  { label: "Clients connected", workers: true, show: (e, s) => (e.textContent = count(s.gauges.connections_open)) },
  { label: "Restarts", show: (e, s) => (e.textContent = count(s.restarts)) },
];
function bar() {
  return element("div", { class: "bar" }, element("i", { "aria-hidden": "true" }, element("b")), element("span"));
}
function set_bar(e, share) {
  e.querySelector("b").style.width = `${Math.round(Math.min(1, share) * 100)}%`;
  e.querySelector("span").textContent = percent(share);
}
function depth(e, slot, word, spell) {
  two_lines(e, spell(slot.gauges[word]), `most ${spell(slot.gauges[word + "_high"])}`);
}
function two_lines(e, first, second) {
  if (!e.firstElementChild) e.append(element("span"), element("small"));
  e.firstElementChild.textContent = first;
  e.lastElementChild.textContent = second;
}

const rows = new Map();  // by slot: { row, cells, name, pid, restarts, state }
function row_of(slot) {
  let known = rows.get(slot.slot);
  if (known) return known;
  const numeric = [...document.querySelectorAll("#slots thead th")].map((th) => th.classList.contains("n"));
  const name = element("th", { scope: "row" });
  const row = element("tr", { "data-slot": slot.slot }, name);
  const cells = CELLS.map((cell, i) => {
    const td = element("td", i === 0 ? {} : { "data-label": cell.label });
    if (numeric[i + 1]) td.classList.add("n");
    if (cell.workers && slot.kind !== "worker") td.classList.add("none");
    else if (cell.make) td.append(cell.make());
    row.append(td);
    return td;
  });
  known = { row, cells, name, pid: slot.pid, restarts: slot.restarts, state: slot.state };
  rows.set(slot.slot, known);
  return known;
}

const title = (slot) => (slot.kind === "worker" ? `Worker ${slot.slot}` : "Admin");
function show_slot(slot) {
  const known = row_of(slot);
  const more = slot.processes.length > 1 ? ", being replaced" : "";
  const process = slot.pid ? `process ${slot.pid}${more}` : "no process";
  if (known.name.dataset.process !== process) {
    known.name.dataset.process = process;
    known.name.replaceChildren(title(slot), element("small", {}, process));
  }
  CELLS.forEach((cell, i) => { if (!cell.workers || slot.kind === "worker") cell.show(known.cells[i], slot); });
  if (slot.restarts > known.restarts) {
    happened(`${title(slot)} ended unexpectedly and is replaced (restart ${slot.restarts}).`, known);
  } else if (slot.pid !== known.pid && slot.pid !== 0 && known.pid !== 0) {
    happened(`${title(slot)} was replaced by process ${slot.pid}.`, known);
  } else if (slot.state !== known.state) {
    happened(`${title(slot)}: ${named(known.state)} → ${named(slot.state)}.`, known);
  }
  Object.assign(known, { pid: slot.pid || known.pid, restarts: slot.restarts, state: slot.state });
  return known.row;
}

function happened(what, known) {
  const list = by("events");
  if (!list.querySelector("time")) list.replaceChildren();
  list.prepend(element("li", {}, element("time", {}, clock(new Date())), what));
  while (list.children.length > EVENTS_MAX) list.lastChild.remove();
  if (!known) return;
  known.row.classList.remove("changed");
  void known.row.offsetWidth;  // so that the animation begins anew
  known.row.classList.add("changed");
}

// --- The rest ----------------------------------------------------------------------------------

function list(id, entries) {
  const dl = by(id);
  entries.forEach(([name, value], i) => {
    if (!dl.children[2 * i]) dl.append(element("dt"), element("dd"));
    if (dl.children[2 * i].textContent !== name) dl.children[2 * i].textContent = name;
    if (dl.children[2 * i + 1].textContent !== value) dl.children[2 * i + 1].textContent = value;
  });
  while (dl.children.length > 2 * entries.length) dl.lastChild.remove();
}

function show_roll(roll) {
  const note = by("roll");
  let what = "";
  if (roll.running) {
    what = `Rolling restart ${roll.started} is under way, at ${roll.slot >= 256 ? "the admin process" : "worker " + roll.slot}` + (roll.queued ? "; another one follows." : ".");
  } else if (roll.last.outcome === "aborted") {
    what = `Rolling restart ${roll.ended} was aborted` + (roll.last.failure ? `: ${roll.last.failure}` : ".");
  }
  note.hidden = what === "";
  text("roll", what);
}

function show(status) {
  const { totals } = status, { recent, counters, gauges } = totals;
  pill(by("state"), status.state);
  document.title = `${status.state === "serving" ? "" : "(" + status.state + ") "}txindexd`;
  text("about", `version ${status.version} · up ${span(status.uptime_seconds)} · listening on ${status.listen || "nothing yet"}`);
  show_roll(status.roll);

  text("committed", rate(recent.committed_per_second));
  text("received", rate(recent.received_per_second));
  text("rejected", rate(recent.rejected_per_second));
  const ack = recent.timings.receive_to_ack;
  for (const p of ["p50", "p99"]) {
    const [value, unit] = duration(ack[p + "_us"]);
    text(p, value);
    text(p + "-unit", unit);
  }
  text("workers", String(status.workers.ready));
  text("workers-wanted", `of ${status.workers.wanted}`);

  const body = document.querySelector("#slots tbody");
  status.slots.map(show_slot).forEach((row, i) => { if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null); });
  while (body.children.length > status.slots.length) body.lastChild.remove();

  list("totals", [
    ["Received", count(counters.received)], ["Committed", count(counters.outcome_committed)],
    ["Duplicates", count(counters.outcome_duplicate)], ["Rejected", count(rejected(counters))],
    ...REASONS.filter(([word]) => counters[word] > 0).map(([word, reason]) => [`· ${reason}`, count(counters[word])]),
    ["Bytes received", bytes(counters.received_bytes)], ["Connections accepted", count(counters.connections_accepted)],
    ["Waits for room", count(counters.in_flight_waits)],
  ]);
  const commit = recent.timings.commit, store = status.store;
  list("postgres", [
    ["Writers connected", `${count(gauges.postgres_connected)} of ${count(gauges.writers)}`],
    ["Commit, p50 / p99", commit.count ? `${spelled(commit.p50_us)} / ${spelled(commit.p99_us)}` : NONE],
    ["Rows per batch", counters.batches ? count(counters.batch_rows / counters.batches) : NONE],
    ["Errors", count(counters.postgres_errors)], ["Batches sent again", count(counters.postgres_retries)],
    ["Rows stored (estimate)", store ? count(store.rows) : NONE], ["Size on disk", store ? bytes(store.bytes) : NONE],
    ["Partitions", store ? count(store.partitions) : NONE],
  ]);

  if (recent.seconds > 0) {
    const t = Date.parse(status.started_at) / 1000 + status.uptime_seconds;
    const newest = samples.length ? samples[samples.length - 1].t : 0;
    if (t - newest > 0.4) {
      samples.push({ t, committed_per_second: recent.committed_per_second, receive_to_ack_p50_us: ack.p50_us, receive_to_ack_p99_us: ack.p99_us });
      if (samples.length > 1000) samples = samples.slice(-500);
    }
  }
  draw_charts();
}

// --- Asking ------------------------------------------------------------------------------------

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
  if (!response.ok) throw new Error(`${path} answered with status ${response.status}`);
  return response.json();
}

let reached = null;  // when the server last answered
let fresh = false;   // whether `samples` goes on where the server's history ends
async function poll() {
  const begun = performance.now();
  let status = null;
  try {
    if (!fresh) samples = (await get("/history")).samples;
    fresh = true;
    status = await get("/status");
    reached = new Date();
  } catch (problem) {
    fresh = false;
    text("lost", "The server cannot be reached. " + (reached ? `What you see is of ${clock(reached)}. ` : "") + "Trying again…");
    console.warn(String(problem));
  }
  by("lost").hidden = status !== null;
  document.body.classList.toggle("stale", status === null);
  // A page that nobody sees does not ask; it begins anew when it is looked at.
  if (document.hidden) {
    fresh = false;
    document.addEventListener("visibilitychange", poll, { once: true });
  } else {
    setTimeout(poll, Math.max(100, POLL_MS - (performance.now() - begun)));
  }
  if (status) show(status);
}
poll();
