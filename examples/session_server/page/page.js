// SPDX-License-Identifier: BSL-1.0
//
// The live page: asks the server for its totals each second, and draws what lies between one answer and the next.

const period = 1000;    // milliseconds from one question to the next
const patience = 3000;  // how long an answer may take
const reach = 120_000;  // how far back the charts go
const settled = 5;      // over how many samples the shares of the tiers are taken

const $ = id => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}

function shape(tag, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
}

// Changes a text only if it is another one: what listens to changes is not told of none.
function say(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

// ---- how figures are written ------------------------------------------------------------------------------------

const plain = digits => new Intl.NumberFormat("en", {maximumFractionDigits: digits});
const whole = plain(0), tenth = plain(1);
const brief = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});

const known = format => value => value === null || value === undefined ? "–" : format(value);
const significant = value => (value < 10 ? tenth : whole).format(value);
const count = known(value => value < 10_000 ? whole.format(value) : brief.format(value));
const percent = known(value => (value > 0.999 && value < 1 ? "> 99.9" : tenth.format(100 * value)) + "\u00a0%");
const perSecond = known(value => (value < 10 ? tenth : value < 10_000 ? whole : brief).format(value) + "/s");
const micros = known(value =>
    value < 1000 ? significant(value) + "\u00a0µs" : value < 1e6 ? significant(value / 1e3) + "\u00a0ms" : significant(value / 1e6) + "\u00a0s");
const bytes = known(value => {
    let unit = 0;
    for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
    return (unit && value < 100 ? tenth : whole).format(value) + "\u00a0" + ["B", "KiB", "MiB", "GiB", "TiB"][unit];
});
const duration = known(ms => {
    if (ms < 1000) return whole.format(ms) + "\u00a0ms";
    if (ms < 60_000) return tenth.format(ms / 1000) + "\u00a0s";
    const minutes = Math.floor(ms / 60_000);
    return minutes < 60 ? minutes + "\u00a0min" : Math.floor(minutes / 60) + " h " + minutes % 60 + " min";
});
const clock = at => new Date(at).toLocaleTimeString("en-GB");

// ---- samples: what happened between two answers of the server -----------------------------------------------------

const sources = [
    {key: "memory", tier: "memory", name: "Process memory"},
    {key: "shared", tier: "redis", name: "Redis"},
    {key: "database", tier: "database", name: "Database"},
    {key: "absent", name: "No such row"},
];
const nameOfTier = tier => sources.find(source => source.tier === tier)?.name ?? tier;

function sampleBetween(before, after, at) {
    const seconds = (after.process.uptime_ms - before.process.uptime_ms) / 1000;
    const grown = total => total(after.totals) - total(before.totals);
    const answers = {};
    for (const {key} of sources) answers[key] = grown(totals => totals.answers[key]) / seconds;
    const hits = grown(totals => totals.hits), lookups = hits + grown(totals => totals.misses);
    const requests = grown(totals => totals.requests);
    return {
        at, seconds, answers,
        requests: requests / seconds,
        ratio: lookups > 0 ? hits / lookups : null,
        queries: grown(totals => totals.queries) / seconds,
        latency: requests > 0 ? after.latency_us : null,
        away: after.tiers.filter(tier => !tier.up).map(tier => nameOfTier(tier.tier)),
    };
}

const samples = [];  // oldest first; one with a gap stands for time of which nothing is known

function keep(sample) {
    samples.push(sample);
    while (samples[0].at < sample.at - reach - 2 * period) samples.shift();
}

// ---- charts ---------------------------------------------------------------------------------------------------------

let moment = null;  // the time that the pointer is at, in all charts at once

class Chart {
    // series: [{key, name, value(sample), rare()}], of which a rare one is named only if it was seen; kind: "line", "stack" or "log";
    // top: the scale's fixed end, if it has one
    constructor({title, series, kind, format, top = null}) {
        Object.assign(this, {title, series, kind, format, top});
        this.drawing = shape("svg", {role: "img"});
        this.values = series.map(() => element("b"));
        this.entries = series.map(({key, name}, i) => element("li", {class: key}, name + " ", this.values[i]));
        this.node = element("figure", {class: "chart"},
            element("h3", {}, title), element("ul", {class: "legend"}, ...this.entries), this.drawing);
        this.drawing.addEventListener("pointermove", event => this.point(event));
        this.drawing.addEventListener("pointerleave", () => { moment = null; drawCharts(); });
        new ResizeObserver(() => this.draw()).observe(this.drawing);
    }

    point(event) {
        const box = this.drawing.getBoundingClientRect();
        moment = this.end - reach * (1 - (event.clientX - box.left - this.left) / (this.right - this.left));
        drawCharts();
    }

    draw() {
        this.width = this.drawing.clientWidth;
        this.height = this.drawing.clientHeight;
        if (this.width === 0) return;
        this.left = 50;
        this.right = this.width - 6;
        this.upper = 20;
        this.lower = this.height - 22;
        this.end = samples.at(-1)?.at ?? Date.now();
        this.runs = unbroken(samples, sample => this.series.some(({value}) => value(sample) !== null));
        this.setScale();

        const parts = [...this.grid(), ...this.absences()];
        for (const run of this.runs) parts.push(...(this.kind === "stack" ? this.stack(run) : this.lines(run)));
        if (!this.runs.flat().some(sample => this.series.some(({value}) => value(sample) > 0))) {
            parts.push(shape("text", {class: "empty", x: (this.left + this.right) / 2, y: (this.upper + this.lower) / 2, "text-anchor": "middle"},
                "Nothing yet"));
        }
        const looked = this.lookedAt();
        if (moment !== null && looked) parts.push(shape("path", {class: "moment", d: `M${this.x(looked.at)} ${this.upper}V${this.lower}`}));
        this.drawing.replaceChildren(...parts);
        this.tell(looked);
    }

    lookedAt() {
        if (moment === null) return samples.at(-1);
        return samples.reduce((best, sample) => Math.abs(sample.at - moment) < Math.abs(best.at - moment) ? sample : best, samples[0]);
    }

    // The legend's figures, and the drawing in words.
    tell(looked) {
        const told = [];
        this.series.forEach(({name, value, rare}, i) => {
            const seen = this.runs.flat().map(value).filter(number => number !== null);
            const now = looked && !looked.gap ? value(looked) : null;
            say(this.values[i], this.format(now));
            this.entries[i].hidden = rare?.() === true && !seen.some(number => number > 0);
            if (seen.length > 0 && !this.entries[i].hidden) {
                told.push(`${name} ${this.format(now)} now, ${this.format(Math.min(...seen))} to ${this.format(Math.max(...seen))}`);
            }
        });
        this.drawing.setAttribute("aria-label", `${this.title}, last two minutes: ${told.join("; ") || "nothing yet"}`);
    }

    setScale() {
        const sums = this.runs.flat().map(sample => {
            const numbers = this.series.map(({value}) => value(sample) ?? 0);
            return this.kind === "stack" ? numbers.reduce((sum, number) => sum + number, 0) : Math.max(...numbers);
        });
        const most = this.top ?? Math.max(...sums, 1);
        if (this.kind === "log") {
            const lowest = 0, highest = Math.max(3, Math.ceil(Math.log10(most)));
            this.ticks = Array.from({length: highest - lowest + 1}, (_, i) => 10 ** (lowest + i));
            this.y = value => this.lower - (this.lower - this.upper) * Math.max(0, Math.log10(Math.max(value, 1)) - lowest) / (highest - lowest);
        } else {
            const step = this.top ? this.top / 4 : roundStep(most / 4);
            const end = this.top ?? step * Math.ceil(most / step);
            this.ticks = Array.from({length: Math.round(end / step) + 1}, (_, i) => i * step);
            this.y = value => this.lower - (this.lower - this.upper) * value / end;
        }
    }

    x(at) { return this.right - (this.right - this.left) * Math.min(1, (this.end - at) / reach); }

    grid() {
        const parts = [];
        for (const tick of this.ticks) {
            parts.push(shape("path", {class: "grid", d: `M${this.left} ${this.y(tick)}H${this.right}`}));
            parts.push(shape("text", {x: this.left - 6, y: this.y(tick) + 4, "text-anchor": "end"}, this.format(tick)));
        }
        for (const [ago, name, anchor] of [[reach, "2 min ago", "start"], [reach / 2, "1 min", "middle"], [0, "now", "end"]]) {
            parts.push(shape("text", {x: this.x(this.end - ago), y: this.height - 4, "text-anchor": anchor}, name));
        }
        return parts;
    }

    // A band for each time that tiers were away, with a name where there is room for one.
    absences() {
        const parts = [];
        let free = this.left;
        for (const run of unbroken(samples, sample => sample.away.length > 0, sample => sample.away.join(", "))) {
            const from = Math.max(this.left, this.x(run[0].at - 1000 * run[0].seconds)), to = this.x(run.at(-1).at);
            if (to <= this.left) continue;
            parts.push(shape("rect", {class: "gone", x: from, y: this.upper, width: to - from, height: this.lower - this.upper}));
            const name = run[0].away.join(", ") + " away", half = 3.3 * name.length;
            const middle = Math.min(Math.max((from + to) / 2, this.left + half), this.right - half);
            if (middle - half < free) continue;
            free = middle + half;
            parts.push(shape("text", {class: "gone-name", x: middle, y: this.upper - 7, "text-anchor": "middle"}, name));
        }
        return parts;
    }

    lines(run) {
        const parts = [];
        for (const {key, value} of this.series) {
            const top = "M" + run.map(sample => `${this.x(sample.at)} ${this.y(value(sample) ?? 0)}`).join("L");
            if (this.series.length === 1) {
                parts.push(shape("path", {class: `area ${key}`, d: `${top}V${this.lower}H${this.x(run[0].at)}Z`}));
            }
            parts.push(shape("path", {class: `line ${key}`, d: run.length > 1 ? top : top + "h0"}));
        }
        return parts;
    }

    stack(run) {
        let below = run.map(() => 0);
        return this.series.map(({key, value}) => {
            const above = run.map((sample, i) => below[i] + value(sample));
            const edge = heights => run.map((sample, i) => `${this.x(sample.at)} ${this.y(heights[i])}`);
            const d = `M${edge(above).join("L")}L${edge(below).reverse().join("L")}Z`;
            below = above;
            return shape("path", {class: `stack ${key}`, d});
        });
    }
}

// The runs of samples without a gap that are wanted, and alike in `kind`.
function unbroken(all, wanted, kind = () => "") {
    const runs = [];
    let open = null;
    for (const sample of all) {
        if (sample.gap || !wanted(sample)) {
            open = null;
        } else if (open !== null && kind(open[0]) === kind(sample)) {
            open.push(sample);
        } else {
            runs.push(open = [sample]);
        }
    }
    return runs;
}

// The next of 1, 2, 5, 10, 20, 50 ... that is not below a number.
function roundStep(least) {
    const power = 10 ** Math.floor(Math.log10(least));
    return power * [1, 2, 5, 10].find(factor => factor * power >= least * 0.999);
}

const charts = [
    new Chart({title: "Hit ratio", kind: "line", top: 1, format: percent,
               series: [{key: "ratio", name: "Look-ups that a cache answered", value: sample => sample.ratio}]}),
    new Chart({title: "Answers a second, by source", kind: "stack", format: perSecond,
               series: sources.map(({key, tier, name}) => ({key, name, rare: () => !tierCards.has(tier), value: sample => sample.answers[key]}))}),
    new Chart({title: "Database queries a second", kind: "line", format: perSecond,
               series: [{key: "database", name: "Queries", value: sample => sample.queries}]}),
    new Chart({title: "Latency", kind: "log", format: micros,
               series: [["p50", "median"], ["p90", "90 %"], ["p99", "99 %"]]
                   .map(([key, name]) => ({key, name, value: sample => sample.latency?.[key] ?? null}))}),
];
$("charts").append(...charts.map(chart => chart.node));

function drawCharts() { for (const chart of charts) chart.draw(); }

// ---- tiers ------------------------------------------------------------------------------------------------------------

const tierCards = new Map();
const tierInWords = (name, up) => `${name} is ${up ? "back" : "away"}.`;

function makeTierCard({tier, can_switch}) {
    const name = nameOfTier(tier);
    const key = sources.find(source => source.tier === tier)?.key ?? "absent";
    const card = {
        name, key,
        share: element("span"), rate: element("small"), fill: element("i"),
        button: element("button", {type: "button"}),
    };
    card.node = element("li", {class: key, "data-tier": tier},
        element("h3", {}, name, element("span", {class: "away-mark"}, "away")),
        element("p", {class: "share"}, card.share, card.rate),
        element("div", {class: "bar", "aria-hidden": "true"}, card.fill));
    if (can_switch) {
        card.node.append(card.button);
        card.button.addEventListener("click", () => act("demo/tier", {tier, up: !card.up},
            answer => tierInWords(name, answer.up)));
    }
    return card;
}

function showTiers(tiers) {
    if (tiers.map(({tier}) => tier).join() !== [...tierCards.keys()].join()) {
        tierCards.clear();
        for (const tier of tiers) tierCards.set(tier.tier, makeTierCard(tier));
        $("tiers").replaceChildren(...[...tierCards.values()].map(card => card.node));
    }
    const recent = samples.slice(-settled).filter(sample => !sample.gap);
    const answered = key => recent.reduce((sum, sample) => sum + sample.answers[key] * sample.seconds, 0);
    const all = sources.reduce((sum, {key}) => sum + answered(key), 0);
    const seconds = recent.reduce((sum, sample) => sum + sample.seconds, 0);
    for (const {tier, up} of tiers) {
        const card = tierCards.get(tier);
        const mine = answered(card.key);
        if (card.up !== undefined && card.up !== up) say($("status"), tierInWords(card.name, up));
        card.up = up;
        card.node.classList.toggle("away", !up);
        card.node.querySelector(".away-mark").hidden = up;
        say(card.share, percent(all > 0 ? mine / all : null));
        say(card.rate, all > 0 ? perSecond(mine / seconds) : "no answers yet");
        card.fill.style.width = all > 0 ? `${100 * mine / all}%` : "0";
        say(card.button, up ? "Take away" : "Bring back");
        card.button.setAttribute("aria-label", up ? `Take ${card.name} away` : `Bring ${card.name} back`);
    }
}

// ---- figures --------------------------------------------------------------------------------------------------------

const figures = [
    ["requests", "requests", (live, sample) => perSecond(sample?.requests)],
    ["entries", "cached entries", live => count(live.now.entries)],
    ["bytes", "cached bytes", live => bytes(live.now.bytes)],
    ["staleness", "staleness, at most", live => duration(live.now.staleness_bound_ms)],
    ["pending", "pending writes", live => count(live.now.pending) + (live.now.pending ? `, ≤ ${duration(live.now.pending_bound_ms)}` : ""),
        live => live.now.pending_bound_ms > 2 * live.now.staleness_bound_ms],  // what is owed to a tier that is away
    ["stale", "stale answers", live => count(live.totals.stale_served), live => live.totals.stale_served > 0],
    ["writes", "writes", live => count(live.totals.writes)],
    ["errors", "errors", live => count(live.totals.errors), live => live.totals.errors > 0],
].map(([key, name, text, warns = () => false]) => {
    const value = element("dd");
    const node = element("div", {"data-figure": key}, element("dt", {}, name), value);
    $("now").append(node);
    return {node, value, text, warns};
});

function showFigures(live, sample) {
    for (const {node, value, text, warns} of figures) {
        say(value, text(live, sample));
        node.classList.toggle("warn", warns(live));
    }
}

// ---- events ---------------------------------------------------------------------------------------------------------

let newest = null;  // the id of the newest event shown; null before the first answer

function showEvents(events) {
    const list = $("events");
    const fresh = events.filter(event => newest === null || event.id > newest).sort((a, b) => a.id - b.id);
    for (const {id, at_ms, kind, text} of fresh) {
        list.prepend(element("li", {"data-kind": kind, class: newest === null ? "" : "fresh"},
            element("time", {datetime: new Date(at_ms).toISOString()}, clock(at_ms)),
            element("span", {class: "kind"}, kind.replaceAll("_", " ")),
            element("span", {class: "text"}, text)));
    }
    newest = Math.max(newest ?? 0, ...fresh.map(({id}) => id));
    while (list.children.length > 50) list.lastChild.remove();
    $("no-events").hidden = list.children.length > 0;
}

function forgetEvents() {
    newest = null;
    $("events").replaceChildren();
}

// ---- the table ------------------------------------------------------------------------------------------------------

const columns = charts.flatMap(chart => chart.series.map(series => ({chart, series})));
$("table").querySelector("thead").append(element("tr", {}, element("th", {scope: "col"}, "Time"),
    ...columns.map(({chart, series}) => element("th", {scope: "col"},
        chart.kind === "stack" ? `From: ${series.name}` : chart.series.length > 1 ? `${chart.title}, ${series.name}` : chart.title))));

function showTable() {
    if (!$("table").open) return;
    const rows = samples.filter(sample => !sample.gap).slice(-10).reverse();
    $("table").querySelector("tbody").replaceChildren(...rows.map(sample => element("tr", {},
        element("th", {scope: "row"}, clock(sample.at)),
        ...columns.map(({chart, series}) => element("td", {}, chart.format(series.value(sample)))))));
}
$("table").addEventListener("toggle", showTable);

// ---- the server -----------------------------------------------------------------------------------------------------

let last = null;     // the answer that the next sample begins with
let heard = null;    // when the newest came
let paused = false;
let timer = null;
let asking = false;

class Refused extends Error {}

async function ask(path, body) {
    const options = {signal: AbortSignal.timeout(patience), cache: "no-store"};
    if (body !== undefined) {
        Object.assign(options, {method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json", "X-Larder": "1"}});
    }
    const response = await fetch(path, options);
    const answer = await response.json();
    if (!response.ok) throw new Refused(answer.error?.message ?? response.statusText);
    return answer;
}

function connection(state, text) {
    $("connection").className = `pill ${state}`;
    say($("connection"), text);
}

function take(live) {
    const at = heard = Date.now();
    const restarted = last !== null && (live.process.uptime_ms < last.process.uptime_ms || live.process.pid !== last.process.pid);
    if (restarted) {
        keep({at, gap: true});
        forgetEvents();
        say($("status"), "The server has been restarted; its figures begin again.");
    } else if (last !== null) {
        if (live.process.uptime_ms - last.process.uptime_ms < period / 2) return;  // too short a time to tell rates of
        keep(sampleBetween(last, live, at));
    }
    last = live;
}

function show(live) {
    const sample = samples.at(-1);
    const {stack, policy, pid, port, uptime_ms} = live.process;
    say($("process"), `${stack} · ${policy} · process ${pid}, port ${port} · up ${duration(uptime_ms - uptime_ms % 1000)}`);
    showTiers(live.tiers);
    showFigures(live, sample?.gap ? null : sample);
    showEvents(live.events);
    showTraffic(live.traffic.clients);
    const demo = live.tiers.some(tier => tier.can_switch);  // else the server refuses what the controls are for
    for (const id of ["skip", "traffic", "logout"]) $(id).hidden = !demo;
    $("hint").hidden = !demo || live.totals.requests > 0;
    drawCharts();
    showTable();
}

async function poll() {
    clearTimeout(timer);
    if (paused || asking) return;
    asking = true;
    const began = performance.now();
    try {
        const live = await ask("live.json").catch(lose);
        if (live && !paused) {
            find();
            take(live);
            show(live);
        }
    } finally {
        asking = false;
        if (!paused) timer = setTimeout(poll, Math.max(period / 4, period - (performance.now() - began)));
    }
}

function find() {
    document.body.classList.remove("stale");
    $("trouble").hidden = true;
    connection("live", "Live");
}

function lose(error) {
    if (paused) return;
    if (samples.at(-1)?.gap) samples.pop();
    if (samples.length > 0) keep({at: Date.now(), gap: true});
    document.body.classList.add("stale");
    connection("lost", heard === null ? "Not reached" : `Not reached for ${duration(1000 * Math.round((Date.now() - heard) / 1000))}`);
    $("trouble").hidden = false;
    say($("trouble"), error instanceof Refused ? `The server cannot tell its figures: ${error.message}. This page goes on asking, once a second.`
        : "The server cannot be reached. This page goes on trying, once a second.");
    drawCharts();
}

function pause(wanted) {
    paused = wanted;
    $("pause").setAttribute("aria-pressed", String(paused));
    if (paused) connection("waiting", "Paused");
    poll();
}
$("pause").addEventListener("click", () => pause(!paused));

// ---- what can be pressed ---------------------------------------------------------------------------------------------

async function act(path, body, told) {
    try {
        say($("status"), told(await ask(path, body)));
    } catch (error) {
        say($("status"), error instanceof Refused ? `The server refused: ${error.message}` : "That did not reach the server.");
    }
    pause(false);
}

const trafficButtons = [...$("traffic").querySelectorAll("button")];

function showTraffic(clients) {
    const pressed = trafficButtons.findLast(button => clients >= Number(button.dataset.clients));
    for (const button of trafficButtons) button.setAttribute("aria-pressed", String(button === pressed));
    $("events").setAttribute("aria-live", clients > 0 ? "off" : "polite");  // traffic makes more of them than can be read out
}

for (const button of trafficButtons) {
    button.addEventListener("click", () => act("demo/traffic", {clients: Number(button.dataset.clients)},
        ({clients}) => clients === 0 ? "The traffic has stopped." : `${clients} clients make traffic.`));
}

$("logout").addEventListener("submit", event => {
    event.preventDefault();
    const user = $("user").value.trim();
    act("demo/logout-everywhere", user === "" ? {} : {user: Number(user)}, ({user, ended, effect}) =>
        `User ${user}: ${ended} ${ended === 1 ? "session" : "sessions"} ended, ` +
        (effect.state === "effective" ? "effective now." : `everywhere in at most ${duration(effect.bound_ms)}.`));
});

drawCharts();
poll();
