/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks for /status.json once a second while the page is seen, and draws what came. What was counted
 * within a time is the difference between two answers. Texts from outside (peers, values of the
 * configuration) go through textContent alone.
 */
"use strict";

const POLL_MS = 1000, TIMEOUT_MS = 5000, LONGEST_PAUSE_MS = 8000;
const MINUTE = 60000, CHART_MS = 5 * MINUTE, JUST_NOW_MS = 10000;

const find = (id) => document.getElementById(id);

let answers = []; /* {at, data} of the last minute and the one before that, the oldest first */
let rates = [];   /* {at, rate} of the last five minutes; where the rate is NaN, the line is broken */
let failures = 0; /* in a row */
let paused = false;
let asking = false;
let timer = 0;

/* --- words --- */

const count = (n) => n.toLocaleString("en");

function perSecond(rate) {
  return rate.toLocaleString("en", { maximumFractionDigits: rate < 10 ? 1 : 0 });
}

function age(ms) {
  const s = Math.max(0, Math.round(ms / 1000)), min = Math.floor(s / 60), h = Math.floor(min / 60);
  if (s < 60) return `${s} s`;
  if (min < 60) return s % 60 && min < 5 ? `${min} min ${s % 60} s` : `${min} min`;
  if (h < 24) return `${h} h ${min % 60} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

function duration(us) {
  if (us === undefined) return "–";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${Number((us / 1000).toPrecision(2))} ms`;
  return us === Infinity ? "over 10 s" : `${Number((us / 1e6).toPrecision(2))} s`;
}

function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, n > 0 ? Math.floor(Math.log2(n) / 10) : 0);
  const scaled = n / 1024 ** power;
  return `${scaled.toLocaleString("en", { maximumFractionDigits: scaled < 10 ? 1 : 0 })} ${units[power]}`;
}

const clock = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/* --- what is shown --- */

function say(node, text) {
  if (node.textContent !== `${text}`) node.textContent = text;
}

/* Rows stay where they are, so that neither a selection nor a screen reader's place is lost. */
function fill(id, rows) {
  const table = find(id), body = table.tBodies[0];

  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((texts, i) => {
    const row = body.rows[i] ?? body.insertRow();
    texts.forEach((text, j) => {
      const cell = row.cells[j] ?? row.appendChild(document.createElement(j ? "td" : "th"));
      if (j === 0) cell.scope = "row";
      cell.className = text === "0" ? "zero" : "";
      say(cell, text);
    });
  });
  if (table.nextElementSibling?.hasAttribute("data-none")) {
    table.tHead.hidden = rows.length === 0;
    table.nextElementSibling.hidden = rows.length > 0;
  }
}

/* Counters, and what they are called here. */
const OUTCOMES = {
  stored: "stored", superseded: "superseded", skipped: "skipped", rejected: "rejected",
  failed: "failed", ambiguous: "ambiguous",
};
const WRITE_OUTCOMES = ["stored", "superseded", "rejected", "failed", "ambiguous"];
const STATUSES = {
  reply_200: "200 OK", reply_400: "400 malformed", reply_401: "401 no right signature",
  reply_404: "404 unknown path", reply_405: "405 wrong method", reply_408: "408 too slow",
  reply_413: "413 body too large", reply_431: "431 header too large", reply_500: "500 failed",
  reply_503: "503 no room",
};
const BACKENDS = {
  file: { journal_lines: "lines", journal_bytes: "bytes", journal_batches: "batches",
          journal_failures: "batches that failed" },
  dynamodb: { dynamodb_requests: "requests", dynamodb_merges: "merges", dynamodb_reads: "reads",
              dynamodb_outages: "outages" },
};
const LIMITS = [
  ["connections", "max_connections", count], ["in_flight", "max_in_flight", count],
  ["buffered_bytes", "max_buffered_bytes", bytes], ["open_files", "max_files", count],
];
const OTHERS = {
  connections: "connections taken", aborted: "requests broken off", probes_ok: "probes answered 200",
  probes_not_ready: "probes answered 503", refused_by_library: "refused by libmicrohttpd",
  timestamp_malformed: "unreadable timestamps", timestamp_ahead: "timestamps over 24 h ahead",
};

/* The newest answer that is at least so old; else the oldest. */
const since = (ms) =>
  answers.findLast((answer) => answer.at <= answers.at(-1).at - ms) ?? answers[0];

function quantile(counts, bounds, share) {
  const all = counts.reduce((sum, n) => sum + n, 0);
  let left = share * all;

  for (let i = 0; i < counts.length && all > 0; left -= counts[i++]) {
    if (left > counts[i]) continue;
    const low = i ? bounds[i - 1] : 0;
    return i < bounds.length ? low + (bounds[i] - low) * left / counts[i] : Infinity;
  }
  return undefined;
}

/* Rows of what was counted in all and within the time: @names says what each counter is called. */
function counted(names, data, before) {
  return Object.entries(names).map(([name, text]) =>
    ({ text, total: data.counters[name], recent: data.counters[name] - before.counters[name] }));
}

const fillCounted = (id, rows) =>
  fill(id, rows.map((row) => [row.text, count(row.total), count(row.recent)]));

function showCounts(data, before) {
  const reasons = Object.fromEntries(Object.entries(data.reasons).map(
    ([name, reason]) => [name, `${reason.status}: ${reason.text}`]));
  const secrets = Object.fromEntries(Array.from({ length: data.secrets },
    (_, i) => [`secret_matched_${i + 1}`, i + 1]));

  fillCounted("outcomes", counted(OUTCOMES, data, before));
  fillCounted("answers", counted(STATUSES, data, before).filter((row) => row.total > 0));
  fillCounted("reasons", counted(reasons, data, before).filter((row) => row.total > 0));
  fillCounted("secrets", counted(secrets, data, before));
  fillCounted("others", counted(OTHERS, data, before));
}

function showBackend(data, before, seconds) {
  const name = data.config.find((key) => key.section === "storage" && key.name === "backend").value;
  const expiry = data.gauges.credentials_expire_ms;

  say(find("backend-name"), name);
  fill("backend", counted(BACKENDS[name], data, before).map((row) =>
    [row.text, count(row.total), perSecond(row.recent / seconds)]));
  find("credentials").hidden = expiry === 0;
  say(find("credentials"), `The credentials expire in ${age(expiry - data.now_ms)}.`);
}

function showWrites(data) {
  fill("writes", WRITE_OUTCOMES.map((outcome) =>
    [outcome, count(data.counters[`put_${outcome}`]), count(data.counters[`update_${outcome}`])]));
}

function showDurations(data, before) {
  fill("durations", Object.entries(data.histograms).map(([part, counts]) => {
    const recent = counts.map((n, i) => n - before.histograms[part][i]);
    const within = (share) => duration(quantile(recent, data.bounds_us, share));
    return [part, count(recent.reduce((sum, n) => sum + n, 0)), within(0.5), within(0.99)];
  }));
}

function showLimits(data, before, seconds) {
  const gauges = data.gauges;
  const cpu = (gauges.cpu_us - before.gauges.cpu_us) / seconds / 1e4;

  for (const [name, limit, show] of LIMITS) {
    const meter = find(name), used = gauges[name], most = gauges[limit];

    meter.max = most;
    meter.high = 0.8 * most;
    meter.value = used;
    say(meter.parentElement.nextElementSibling, `${show(used)} of ${show(most)}`);
  }
  say(find("process"), `Workers: ${gauges.workers}. Memory: ${bytes(gauges.resident_bytes)}. ` +
    `CPU: ${perSecond(cpu)} % of a core.`);
}

function showRefusals(data) {
  fill("refusals", data.refusals.map((refusal) =>
    [clock(refusal.at_ms), refusal.status,
     refusal.suppressed ? `${refusal.reason} (and ${count(refusal.suppressed)} more before it)`
                        : refusal.reason,
     refusal.peer || "not known"]));
}

function showConfig(data) {
  fill("config", data.config.map((key) =>
    [`[${key.section}] ${key.name}`, key.value || "none",
     key.waits ? "changed in the file: needs a restart" : key.default ? "default" : "file"]));
}

function showGap({ gap_start_ms: start, gap_end_ms: end }) {
  find("gap").hidden = end === 0;
  say(find("gap"), `Events may be missing: none could be stored from ${clock(start)} to ${clock(end)} UTC ` +
    `(${age(end - start)}).`);
}

/* The chart begins with what there is, and is a minute wide at least. */
function showChart() {
  const now = rates.at(-1).at, span = Math.max(MINUTE, now - rates[0].at);
  const most = Math.max(0, ...rates.map(({ rate }) => rate || 0));
  let pen = "M";
  const path = rates.map(({ at, rate }) => {
    if (Number.isNaN(rate)) {
      pen = "M";
      return "";
    }
    const x = 300 - 300 * (now - at) / span, y = 58 - 56 * rate / Math.max(1, most);
    const step = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return step;
  });
  const words = `the last ${age(span)}: at most ${perSecond(most)} a second`;

  find("line").setAttribute("d", path.join(""));
  find("chart").setAttribute("aria-label", `Events a second over ${words}`);
  say(find("chart-note"), `Over ${words}.`);
}

function showAll() {
  const { at, data } = answers.at(-1), minute = since(MINUTE), moment = since(JUST_NOW_MS);
  const per = (answer) => Math.max(1, (at - answer.at) / 1000);
  const happened = (name, before) => data.counters[name] - before.data.counters[name];
  const last = data.gauges.last_event_ms;

  say(find("about"), `version ${data.version}, up ${age(data.now_ms - data.gauges.start_ms)}`);
  for (const node of document.querySelectorAll(".window"))
    say(node, `last ${age(Math.max(1000, at - minute.at))}`);
  say(find("rate"), perSecond(happened("verified", moment) / per(moment)));
  say(find("last-event"), last ? `${age(data.now_ms - last)} ago` : "not yet");
  say(find("failed"), count(happened("failed", minute)));
  showGap(data.gauges);
  showChart();
  showCounts(data, minute.data);
  showBackend(data, minute.data, per(minute));
  showWrites(data);
  showDurations(data, minute.data);
  showLimits(data, moment.data, per(moment));
  showRefusals(data);
  showConfig(data);
}

/* --- the state --- */

const TICK = "M4 12.5l5.5 5.5L20 6.5", DOWN = "M12 3v14M5.5 11.5L12 18l6.5-6.5M4 21.5h16";
const CROSS = "M5 5l14 14M19 5L5 19", BARS = "M8 4v16M16 4v16";
const BREAK = "M2 12h6M16 12h6M10 7l-1-4M14 7l1-4M10 17l-1 4M14 17l1 4", DOTS = "M5 12h.1M12 12h.1M19 12h.1";

/* @return [state, word, sign, why]. */
function judge() {
  const newest = answers.at(-1);

  if (!newest) return failures > 0 ? ["lost", "Not reached", BREAK, "No answer yet."]
                                   : ["asking", "Asking", DOTS, ""];
  if (paused)
    return ["paused", "Paused", BARS, `What is below is of ${clock(newest.data.now_ms)} UTC.`];
  if (failures > 0)
    return ["lost", "Not reached", BREAK,
            `No answer from the daemon: what is below is ${age(performance.now() - newest.at)} old, ` +
            `of ${clock(newest.data.now_ms)} UTC. Asked again every few seconds.`];
  return judgeAnswer(newest.data, since(JUST_NOW_MS).data, since(MINUTE).data);
}

/* A backend may be ready by its own word while nothing gets through: the counters show it. */
function judgeAnswer(data, moment, minute) {
  const happened = (name, before) => data.counters[name] - before.counters[name];
  const failed = happened("failed", minute);
  const stored = happened("stored", moment) + happened("superseded", moment);

  if (data.gauges.draining)
    return ["draining", "Draining", DOWN,
            "It is stopping: open connections are served, new ones are refused."];
  if (!data.gauges.ready)
    return ["failing", "Cannot store", CROSS,
            "/readyz says 503. Genesys gives each event up after 25 s; the log says why."];
  if (data.gauges.store_out)
    return ["failing", "Cannot store", CROSS,
            "The store takes no writes. Events wait for it, then fail; the log says why."];
  if (happened("failed", moment) > 0 && stored === 0)
    return ["failing", "Cannot store", CROSS,
            "In the last 10 s events failed and none was stored; the log says why."];
  return ["serving", "Serving", TICK,
          failed > 0 ? `Events are stored, but ${count(failed)} failed within the last minute.`
                     : data.gauges.last_event_ms ? "Events are stored as they come."
                                                 : "No event has come yet."];
}

function showState() {
  const [state, word, sign, why] = judge();

  find("state").dataset.state = state;
  find("sign").setAttribute("d", sign);
  say(find("word"), word);
  say(find("why"), why);
  document.title = `${word} – genesys-webhookd`;
}

/* --- asking --- */

/* What was counted before a restart has nothing to do with what is counted now. */
function take(data) {
  const at = performance.now(), newest = answers.at(-1);
  const same = newest?.data.gauges.start_ms === data.gauges.start_ms;

  rates.push({ at, rate: same ? (data.counters.verified - newest.data.counters.verified) * 1000 /
                                (at - newest.at) : NaN });
  answers = same ? [...answers, { at, data }] : [{ at, data }];
  while (answers.length > 2 && answers[1].at <= at - MINUTE) answers.shift();
  while (rates[0].at < at - CHART_MS) rates.shift();
}

async function ask() {
  try {
    const answer = await fetch("status.json",
      { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function poll() {
  if (asking) return;
  asking = true;
  const data = await ask();
  asking = false;
  failures = data ? 0 : failures + 1;
  if (data) {
    take(data);
    showAll();
  }
  showState();
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden && !paused)
    timer = setTimeout(poll, Math.min(POLL_MS * 2 ** failures, LONGEST_PAUSE_MS));
}

find("pause").addEventListener("click", () => {
  paused = !paused;
  find("pause").setAttribute("aria-pressed", paused);
  showState();
  if (paused) plan();
  else poll();
});
document.addEventListener("visibilitychange", () => (document.hidden ? plan() : poll()));
setInterval(() => failures > 0 && showState(), 1000); /* the age of what is shown */
showState();
poll();
