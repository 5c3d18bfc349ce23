"use strict";
/* The workspace in the browser. One picture of one person's view is fetched after every change and drawn by
 * difference: only messages and forms that changed are built again, so that nothing typed is lost. */

const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const still = query.has("still");               // no live updates: for screenshots
let here = {user: query.get("user") || "alice", channel: query.get("channel") || "incidents", home: query.has("home")};
let state = null;
let drawn = new Map();                          // message key -> {json, node}
let openThreads = new Set(query.get("thread_ts") ? [query.get("thread_ts")] : []);
let forms = new Map();                          // view id -> what is typed, by block id
let drafts = new Map();                         // thread -> the reply being typed
let formDrawn = "";
let homeDrawn = "";
let lastChannel = "";
let typed = [], typedAt = 0;

if (query.get("theme")) document.documentElement.dataset.theme = query.get("theme");

/* ---- small tools ---- */

function h(tag, props, ...children) {
	const node = document.createElement(tag);
	for (const [key, value] of Object.entries(props || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
		else if (key in node && key !== "list" && !key.startsWith("aria")) node[key] = value;
		else node.setAttribute(key, value);
	}
	for (const child of children.flat(Infinity)) {
		if (child === null || child === undefined || child === false) continue;
		if (typeof child === "string" && tag !== "option" && tag !== "title") node.append(...pictured(child));
		else node.append(child);
	}
	return node;
}

async function post(path, body) {
	const response = await fetch("control/" + path, {
		method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
	const said = await response.json();
	if (!said.ok) hint(said.error, true);
	await refresh();
	return said;
}

function hint(text, bad) {
	$("hint").textContent = text || "";
	$("hint").classList.toggle("bad", !!bad);
}

const me = () => state.users[state.me];
const nameOf = id => state.users[id] ? state.users[id].name : id;

/* ---- text ---- */

const EMOJI = {
	white_check_mark: "✅", x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", pushpin: "📌", eyes: "👀",
	bell: "🔔", no_bell: "🔕", hourglass: "⌛", hourglass_flowing_sand: "⏳", alarm_clock: "⏰", stopwatch: "⏱️",
	clock1: "🕐", memo: "📝", pencil: "✏️", mega: "📣", loudspeaker: "📢", red_circle: "🔴", large_blue_circle: "🔵",
	large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", white_circle: "⚪",
	black_circle: "⚫", large_orange_diamond: "🔶", large_blue_diamond: "🔷", heavy_check_mark: "✔️", tada: "🎉",
	bulb: "💡", mag: "🔍", wrench: "🔧", hammer_and_wrench: "🛠️", link: "🔗", lock: "🔒", unlock: "🔓", wave: "👋",
	thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", raised_hand: "✋", pray: "🙏", heart: "❤️", smile: "😄",
	thinking_face: "🤔", sos: "🆘", checkered_flag: "🏁", calendar: "📅", chart_with_upwards_trend: "📈",
	chart_with_downwards_trend: "📉", zap: "⚡", bust_in_silhouette: "👤", busts_in_silhouette: "👥", phone: "☎️",
	question: "❓", exclamation: "❗", information_source: "ℹ️", arrow_right: "➡️", arrow_up: "⬆️", arrow_down: "⬇️",
	repeat: "🔁", no_entry: "⛔", construction: "🚧", shield: "🛡️", robot_face: "🤖", speech_balloon: "💬",
	clipboard: "📋", book: "📖", file_folder: "📁", star: "⭐", green_heart: "💚", first_place_medal: "🥇", zzz: "💤",
};
/* Many machines have no colour emoji font. These few are drawn here, so that the page looks the same everywhere;
 * each is a list of [colour, path] in a box of 16. */
const CIRCLE = "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z";
const DIAMOND = "M8 1l7 7l-7 7l-7-7z";
const DRAWN = {
	"📌": [["#c8452f", "M9.6 1.2l5.2 5.2l-1.6 1l-2.6 2.6l.2 3l-1.4 1.3L2.7 7.6L4 6.2l3 .2l2.6-2.6z"], ["#7c8884", "M4.8 10.3l.9.9L2 15l-1-1z"]],
	"👁": [["#7c8884", "M8 3.5c-3.4 0-5.9 2.3-7 4.5c1.1 2.2 3.6 4.5 7 4.5s5.9-2.3 7-4.5c-1.1-2.2-3.6-4.5-7-4.5zm0 7.5a3 3 0 1 1 0-6a3 3 0 0 1 0 6z"], ["#7c8884", "M8 6.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 0 0 0-3z"]],
	"👀": [["#cfd6d3", "M4.5 3a3.2 4.5 0 1 0 0 9a3.2 4.5 0 0 0 0-9zM11.5 3a3.2 4.5 0 1 0 0 9a3.2 4.5 0 0 0 0-9z"], ["#26302d", "M5 6a1.6 2 0 1 0 0 4a1.6 2 0 0 0 0-4zM12 6a1.6 2 0 1 0 0 4a1.6 2 0 0 0 0-4z"]],
	"💬": [["#7c8884", "M2 2.5h12v8.5H7.5L4.5 14v-3H2zM3.5 4v5.5H6v1l1-1h5.5V4z"]],
	"🔗": [["#4a7fb0", "M6.5 9.5a2.5 2.5 0 0 1 0-3.5l2.5-2.5a2.5 2.5 0 0 1 3.5 3.5l-1.2 1.2l1 1l1.2-1.2a4 4 0 0 0-5.6-5.6L5.5 5a4 4 0 0 0 0 5.5zM9.5 6.5a2.5 2.5 0 0 1 0 3.5L7 12.5A2.5 2.5 0 0 1 3.5 9l1.2-1.2l-1-1L2.5 8a4 4 0 0 0 5.6 5.6l2.5-2.5a4 4 0 0 0 0-5.6z"]],
	"🔖": [["#4a7fb0", "M4 1.5h8V15l-4-3.2L4 15z"]],
	"🚨": [["#c8452f", "M4 12V8a4 4 0 0 1 8 0v4z"], ["#7c8884", "M2.5 12.5h11V15h-11z"], ["#e08b3c", "M7.4 0h1.2v2.5H7.4zM1.5 3l1-.8l1.6 1.6l-.9.9zM14.5 3l-1-.8l-1.6 1.6l.9.9z"]],
	"🔥": [["#e0702c", "M8.5 1c.5 3 4.5 4.5 4.5 8.8A5 5 0 0 1 8 15a5 5 0 0 1-5-5.2C3 7.5 4.5 6 5 4.5c1 .7 1.5 1.5 1.5 2.5C8 5.5 8.7 3 8.5 1z"], ["#f6c244", "M8.3 8c.2 1.5 2 2.2 2 4a2.3 2.3 0 0 1-4.6 0c0-1.5 1.2-2 1.3-3.2z"]],
	"⚠": [["#e0a52c", "M8 1.5L15.5 14.5H.5z"], ["#33290f", "M7.3 6h1.4v4.5H7.3zM7.3 11.5h1.4V13H7.3z"]],
	"✅": [["#3f9d6b", "M2 2h12v12H2z"], ["#ffffff", "M7 11.5L4 8.5l1.1-1.1L7 9.3l4-4l1.1 1.1z"]],
	"❌": [["#c8452f", "M3.5 2L8 6.5L12.5 2L14 3.5L9.5 8l4.5 4.5l-1.5 1.5L8 9.5L3.5 14L2 12.5L6.5 8L2 3.5z"]],
	"🔔": [["#e0a52c", "M8 1.5a4.5 4.5 0 0 1 4.5 4.5c0 4 1.5 5 1.5 5.5H2c0-.5 1.5-1.5 1.5-5.5A4.5 4.5 0 0 1 8 1.5zM6.5 12.5h3a1.5 1.5 0 0 1-3 0z"]],
	"⏰": [["#c8452f", CIRCLE], ["#ffffff", "M8 3.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9z"], ["#26302d", "M7.5 4.5h1v3.3l2 1.2l-.5.9l-2.5-1.5z"]],
	"⏳": [["#b98a3a", "M4 1h8v2L9 8l3 5v2H4v-2l3-5l-3-5z"]],
	"📝": [["#cfd6d3", "M3 1.5h10v13H3z"], ["#5f6b67", "M5 4.5h6v1H5zM5 7h6v1H5zM5 9.5h4v1H5z"]],
	"📋": [["#b98a3a", "M2.5 2h11v13h-11z"], ["#eef1f0", "M4 4h8v9.5H4z"], ["#7c8884", "M6 1h4v2.5H6z"]],
	"📣": [["#c8452f", "M13 2v11L6 10H3a2.5 2.5 0 0 1 0-5h3z"], ["#7c8884", "M4 10.5h2l1 4H5z"]],
	"🔒": [["#b98a3a", "M3 7h10v7.5H3z"], ["#7c8884", "M4.5 7V5a3.5 3.5 0 0 1 7 0v2H10V5a2 2 0 0 0-4 0v2z"]],
	"🏁": [["#5f6b67", "M2.5 1H4v14H2.5zM4 1.5h9.5v7H4z"], ["#ffffff", "M5 2.5h2v2H5zM9 2.5h2v2H9zM7 4.5h2v2H7zM11 4.5h2v2h-2z"]],
	"💡": [["#e0b93c", "M8 1a4.7 4.7 0 0 1 2.5 8.7V12h-5V9.7A4.7 4.7 0 0 1 8 1z"], ["#7c8884", "M6 12.8h4V15H6z"]],
	"🖼": [["#7c8884", "M1.5 2.5h13v11h-13zM3 4v6l3-3l3 3l2-2l2 2V4z"]],
	"📄": [["#cfd6d3", "M3 1h7l3 3v11H3z"], ["#5f6b67", "M5 6h6v1H5zM5 8.5h6v1H5zM5 11h4v1H5z"]],
	"🔴": [["#cf4436", CIRCLE]], "🟠": [["#e0812c", CIRCLE]], "🟡": [["#e3bd34", CIRCLE]], "🟢": [["#3f9d6b", CIRCLE]],
	"🔵": [["#3f78c0", CIRCLE]], "⚪": [["#cfd6d3", CIRCLE]], "⚫": [["#26302d", CIRCLE]],
	"🔶": [["#e0812c", DIAMOND]], "🔷": [["#3f78c0", DIAMOND]],
};
Object.assign(DRAWN, {"🔕": DRAWN["🔔"], "📢": DRAWN["📣"], "⌛": DRAWN["⏳"], "⏱": DRAWN["⏰"], "🕐": DRAWN["⏰"]});
const DRAWN_RUN = new RegExp(`(${Object.keys(DRAWN).join("|")})\uFE0F?`, "u");

function icon(character) {
	const space = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(space, "svg");
	svg.setAttribute("viewBox", "0 0 16 16");
	svg.setAttribute("class", "icon");
	svg.setAttribute("role", "img");
	svg.setAttribute("aria-label", character);
	for (const [fill, d] of DRAWN[character]) {
		const path = document.createElementNS(space, "path");
		path.setAttribute("fill", fill);
		path.setAttribute("fill-rule", "evenodd");
		path.setAttribute("d", d);
		svg.append(path);
	}
	return svg;
}

/* Text with the emoji we draw in place of those the font may lack. */
const pictured = text => text.split(DRAWN_RUN).map(piece => DRAWN[piece] ? icon(piece) : piece);

const decode = text => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const emoji = text => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all);
const plain = object => emoji(decode(object ? object.text : ""));

function when(seconds, options) {
	return new Intl.DateTimeFormat("en-GB", {timeZone: me().tz, ...options}).format(new Date(seconds * 1000));
}

function dateText(seconds, format) {
	const time = when(seconds, {hour: "2-digit", minute: "2-digit"});
	const long = when(seconds, {weekday: "long", day: "numeric", month: "long", year: "numeric"});
	const middle = when(seconds, {day: "numeric", month: "long", year: "numeric"});
	const short = when(seconds, {day: "numeric", month: "short", year: "numeric"});
	const day = s => when(s, {year: "numeric", month: "2-digit", day: "2-digit"});
	const now = Date.now() / 1000;
	const near = [[0, "today"], [-86400, "yesterday"], [86400, "tomorrow"]]
		.find(([off]) => day(now + off) === day(seconds));
	const minutes = Math.round((seconds - now) / 60);
	const ago = Math.abs(minutes) < 60 ? `${Math.abs(minutes)} min` : `${Math.round(Math.abs(minutes) / 60)} h`;
	const parts = {
		date_num: when(seconds, {year: "numeric", month: "2-digit", day: "2-digit"}).split("/").reverse().join("-"),
		date: middle, date_short: short, date_long: long, date_pretty: near ? near[1] : middle,
		date_short_pretty: near ? near[1] : short, date_long_pretty: near ? near[1] : long, time,
		time_secs: when(seconds, {hour: "2-digit", minute: "2-digit", second: "2-digit"}),
		ago: minutes <= 0 ? `${ago} ago` : `in ${ago}`,
	};
	return format.replace(/\{(\w+)\}/g, (all, name) => parts[name] ?? all);
}

function safeLink(href, label) {
	if (!/^(https?|mailto):/i.test(href)) return document.createTextNode(label);
	const inside = URL.canParse(href) && new URL(href).origin === location.origin && new URL(href).searchParams;
	if (!inside || !inside.get("message")) return h("a", {href, target: "_blank", rel: "noopener noreferrer"}, label);
	/* A permalink of this workspace: the person stays who they are. */
	return h("a", {href, onclick: event => {
		event.preventDefault();
		if (inside.get("thread_ts")) openThreads.add(inside.get("thread_ts"));
		query.set("message", inside.get("message"));
		go(inside.get("channel"));
	}}, label);
}

/* What stands between < and >: a person, a channel, a group, a date, a link. */
function entity(body) {
	const [head, label] = [body.split("|")[0], body.includes("|") ? body.slice(body.indexOf("|") + 1) : null];
	if (head[0] === "@") {
		const id = head.slice(1);
		return h("span", {className: "mention" + (id === state.me ? " me" : "")}, "@" + (state.users[id] ? nameOf(id) : label || id));
	}
	if (head[0] === "#") {
		const found = state.channels.find(channel => channel.id === head.slice(1));
		return h("a", {href: "?", className: "mention", onclick: event => {
			event.preventDefault();
			go(head.slice(1));
		}}, "#" + (found ? found.name : label || head.slice(1)));
	}
	if (head[0] === "!") {
		const date = head.match(/^!date\^(\d+)\^([^^]*)(?:\^(.*))?$/);
		if (date) {
			const node = h("time", {title: label || ""}, dateText(+date[1], decode(date[2])));
			return date[3] ? h("a", {href: date[3], target: "_blank", rel: "noopener noreferrer"}, node) : node;
		}
		const group = head.match(/^!subteam\^(\w+)/);
		if (group) return h("span", {className: "mention"}, "@" + (state.groups[group[1]] || label || group[1]));
		return h("span", {className: "mention me"}, "@" + head.slice(1));
	}
	return safeLink(decode(head), decode(label === null ? head : label));
}

const INLINE = new RegExp([
	"`(?<code>[^`\\n]+)`", "<(?<entity>[^<>\\n]+)>", ":(?<emoji>[a-z0-9_+-]+):",
	"(?<![\\w*])\\*(?<bold>[^\\s*](?:[^*\\n]*[^\\s*])?)\\*(?![\\w*])",
	"(?<![\\w_])_(?<italic>[^\\s_](?:[^_\\n]*[^\\s_])?)_(?![\\w_])",
	"(?<![\\w~])~(?<strike>[^\\s~](?:[^~\\n]*[^\\s~])?)~(?![\\w~])",
].join("|"), "g");

function inline(text) {
	const out = [];
	let at = 0;
	for (const match of text.matchAll(INLINE)) {
		out.push(decode(text.slice(at, match.index)));
		const found = match.groups;
		if (found.code !== undefined) out.push(h("code", null, decode(found.code)));
		else if (found.entity !== undefined) out.push(entity(found.entity));
		else if (found.emoji !== undefined) out.push(EMOJI[found.emoji] || match[0]);
		else if (found.bold !== undefined) out.push(h("b", null, inline(found.bold)));
		else if (found.italic !== undefined) out.push(h("i", null, inline(found.italic)));
		else out.push(h("s", null, inline(found.strike)));
		at = match.index + match[0].length;
	}
	out.push(decode(text.slice(at)));
	return out.flatMap(piece => typeof piece === "string" ? pictured(piece) : [piece]);
}

function mrkdwn(text) {
	const out = [];
	text.split(/```\n?([\s\S]*?)```/).forEach((piece, at) => {
		if (at % 2) return out.push(h("pre", null, decode(piece.replace(/\n$/, ""))));
		const lines = piece.split("\n");
		for (let i = 0; i < lines.length; i++) {
			const quoted = [];
			while (i < lines.length && /^(&gt;|>)/.test(lines[i])) quoted.push(lines[i++].replace(/^(&gt;|>) ?/, ""));
			if (quoted.length) out.push(h("blockquote", null, inline(quoted.join("\n"))));
			if (i < lines.length) out.push(...inline(lines[i]), i < lines.length - 1 ? "\n" : "");
		}
	});
	return h("div", {className: "text"}, out);
}

const textObject = object => !object ? null : object.type === "mrkdwn" ? mrkdwn(object.text)
	: h("div", {className: "text"}, plain(object));

/* ---- block elements ---- */

function confirmed(confirm) {
	if (!confirm) return Promise.resolve(true);
	return new Promise(resolve => {
		const done = answer => () => { box.remove(); $("shade").hidden = !state.views.length; resolve(answer); };
		const box = h("div", {className: "modal", role: "alertdialog"},
			h("header", null, h("h2", null, plain(confirm.title))),
			h("div", {className: "body"}, textObject(confirm.text)),
			h("footer", null, h("button", {className: "button", onclick: done(false)}, plain(confirm.deny)),
				h("button", {className: "button solid " + (confirm.style || "primary"), onclick: done(true)}, plain(confirm.confirm))));
		$("shade").hidden = false;
		document.body.append(box);
	});
}

/* `place` says where an element stands: {ts, channel} of a message or {view}; `put` keeps what a form has typed. */
async function press(place, block, element, choose, node) {
	if (!await confirmed(element.confirm)) return;
	if (element.url) window.open(element.url, "_blank", "noopener");
	if (node) node.disabled = true;
	const values = place.view ? forms.get(place.view) : undefined;
	await post("click", {user: state.me, ...place, block_id: block.block_id, action_id: element.action_id, values,
		...(element.type === "button" ? {value: element.value} : {choose})});
	if (node) node.disabled = false;
}

const optionNode = (option, chosen) => h("option", {value: option.value, selected: option.value === chosen}, plain(option.text));

function selectNode(element, chosen, change) {
	const options = [h("option", {value: "", selected: !chosen}, element.placeholder ? plain(element.placeholder) : "—")];
	if (element.type === "users_select") {
		for (const [id, user] of Object.entries(state.users))
			if (!user.bot) options.push(h("option", {value: id, selected: id === chosen}, `@${user.name} · ${user.real_name}`));
	} else if (element.type === "conversations_select" || element.type === "channels_select") {
		for (const channel of state.channels)
			if (!channel.archived && !channel.im) options.push(h("option", {value: channel.id, selected: channel.id === chosen}, "#" + channel.name));
	} else {
		for (const option of element.options || []) options.push(optionNode(option, chosen));
		for (const group of element.option_groups || [])
			options.push(h("optgroup", {label: plain(group.label)}, group.options.map(option => optionNode(option, chosen))));
	}
	return h("select", {className: "field", "aria-label": element.placeholder ? plain(element.placeholder) : element.action_id,
		onchange: event => change(event.target.value || null)}, options);
}

/* The wall clock of the selected person's zone, to and from seconds: what a date and time picker shows. */
function toLocal(seconds) {
	const p = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {timeZone: me().tz, year: "numeric", month: "2-digit",
		day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23"}).formatToParts(new Date(seconds * 1000))
		.map(part => [part.type, part.value]));
	return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

function fromLocal(text) {
	const wanted = Date.parse(text + "Z") / 1000;
	let guess = wanted;
	for (let i = 0; i < 2; i++) guess += wanted - Date.parse(toLocal(guess) + "Z") / 1000;
	return guess;
}

function choicesNode(element, chosen, many, change) {
	const values = new Set((chosen || []).map(value => value.value || value));
	const name = Math.random().toString(36).slice(2);
	return h("div", {className: "choices"}, element.options.map(option => h("label", null,
		h("input", {type: many ? "checkbox" : "radio", name, checked: values.has(option.value), onchange: event => {
			if (!many) values.clear();
			event.target.checked ? values.add(option.value) : values.delete(option.value);
			change(many ? [...values] : option.value);
		}}),
		h("span", null, option.text.type === "mrkdwn" ? inline(option.text.text) : plain(option.text),
			option.description ? h("small", null, plain(option.description)) : null))));
}

const INPUT_TYPES = {email_text_input: "email", url_text_input: "url", number_input: "text", datepicker: "date",
	timepicker: "time", datetimepicker: "datetime-local", plain_text_input: "text"};

/* What is chosen at first, in the form in which `choose` is sent. */
function initialOf(element) {
	const option = element.initial_option;
	return option ? option.value : element.initial_options ? element.initial_options.map(o => o.value)
		: element.initial_user ?? element.initial_users ?? element.initial_conversation ?? element.initial_channel
		?? element.initial_date ?? element.initial_time ?? element.initial_date_time ?? element.initial_value ?? null;
}

function multiOptions(element) {
	if (element.type === "multi_users_select")
		return Object.entries(state.users).filter(([, user]) => !user.bot)
			.map(([id, user]) => ({value: id, text: {type: "plain_text", text: "@" + user.name}}));
	if (element.type === "multi_static_select")
		return [...(element.options || []), ...(element.option_groups || []).flatMap(group => group.options)];
	return state.channels.filter(channel => !channel.im)
		.map(channel => ({value: channel.id, text: {type: "plain_text", text: "#" + channel.name}}));
}

function elementNode(element, value, change, block, place) {
	const kind = element.type;
	if (kind === "button")
		return h("button", {type: "button", className: "button " + (element.style || ""), "aria-label": element.accessibility_label,
			onclick: event => press(place, block, element, null, event.currentTarget)}, plain(element.text));
	if (kind === "overflow") {
		const menu = h("span", {className: "menu"});
		menu.append(h("button", {type: "button", className: "button", "aria-label": "More", onclick: () => {
			if (menu.children.length > 1) return menu.lastChild.remove();
			menu.append(h("div", null, element.options.map(option => h("button", {type: "button", onclick: () => {
				menu.lastChild.remove();
				press(place, block, element, option.value);
			}}, plain(option.text)))));
		}}, "⋯"));
		return menu;
	}
	if (kind === "image") return h("span", {title: element.alt_text}, "🖼 " + element.alt_text);
	if (kind === "checkboxes") return choicesNode(element, value, true, change);
	if (kind === "radio_buttons") return choicesNode(element, value ? [value] : [], false, change);
	if (kind.startsWith("multi_")) return choicesNode({...element, options: multiOptions(element)}, value, true, change);
	if (kind.endsWith("_select")) return selectNode(element, value, change);
	if (kind === "plain_text_input" && element.multiline)
		return h("textarea", {className: "field", value: value || "", placeholder: plain(element.placeholder), maxLength: element.max_length || 3000,
			oninput: event => change(event.target.value)});
	const type = INPUT_TYPES[kind];
	if (!type) return h("em", null, kind);
	const moment = kind === "datetimepicker";
	return h("input", {className: "field", type, value: moment && value ? toLocal(value) : value ?? "", placeholder: plain(element.placeholder),
		maxLength: kind === "plain_text_input" ? element.max_length || 3000 : undefined,
		[type === "text" ? "oninput" : "onchange"]: event => change(moment ? event.target.value && fromLocal(event.target.value) : event.target.value || null)});
}

/* ---- blocks ---- */

function blockNode(block, place, values, errors) {
	const put = element => value => {
		if (place.view) {
			const form = forms.get(place.view);
			form[block.block_id] = value;
			if (block.type !== "input" || block.dispatch_action) press(place, block, element, value);
		} else press(place, block, element, value);
	};
	const valueOf = element => {
		const kept = values && values[block.block_id];
		const own = kept && typeof kept === "object" && !Array.isArray(kept) ? kept[element.action_id] : kept;
		return own === undefined ? initialOf(element) : own;
	};
	const make = element => elementNode(element, valueOf(element), put(element), block, place);
	switch (block.type) {
	case "section":
		return h("div", {className: "b-section"}, textObject(block.text),
			block.fields ? h("div", {className: "fields"}, block.fields.map(textObject)) : null,
			block.accessory ? h("div", {className: "accessory"}, make(block.accessory)) : null);
	case "header": return h("div", {className: "b-header"}, plain(block.text));
	case "divider": return h("hr", {className: "b-divider"});
	case "context":
		return h("div", {className: "b-context"}, block.elements.map(element =>
			element.type === "image" ? h("span", null, "🖼 " + element.alt_text) : textObject(element)));
	case "actions": return h("div", {className: "b-actions"}, block.elements.map(make));
	case "image": return h("div", {className: "b-image"}, "🖼 " + block.alt_text);
	case "input": {
		const error = errors && errors[block.block_id];
		return h("div", {className: "b-input" + (error ? " invalid" : "")},
			h("div", {className: "label"}, plain(block.label), block.optional ? h("small", null, " (optional)") : null),
			make(block.element),
			block.hint ? h("div", {className: "hint"}, plain(block.hint)) : null,
			error ? h("div", {className: "error", role: "alert"}, error) : null);
	}
	default: return h("div", {className: "text"}, JSON.stringify(block.elements || block.type));
	}
}

const blocksNode = (blocks, place, values, errors) =>
	h("div", {className: "blocks"}, blocks.map(block => blockNode(block, place, values, errors)));

/* ---- messages ---- */

function face(id, small) {
	const user = state.users[id];
	if (!user || user.bot) return h("div", {className: "face bot" + (small ? " small" : "")}, user ? "s" : "?");
	let sum = 0;
	for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) % 5;
	return h("div", {className: `face c${sum}` + (small ? " small" : "")}, user.name[0]);
}

function toolsNode(message) {
	const menu = h("span", {className: "menu"});
	const item = (label, run) => h("button", {type: "button", onclick: () => { menu.lastChild.remove(); run(); }}, label);
	const more = state.shortcuts.filter(shortcut => shortcut.type === "message");
	menu.append(h("button", {type: "button", title: "More", "aria-label": "More", onclick: () => {
		if (menu.children.length > 1) return menu.lastChild.remove();
		menu.append(h("div", null,
			more.map(shortcut => item(shortcut.name, () => post("shortcut", {user: state.me, channel: state.channel.id, ts: message.ts, callback_id: shortcut.callback_id}))),
			["eyes", "white_check_mark"].map(name => item(`React ${EMOJI[name]}`, () => reactTo(message, name)))));
	}}, "⋯"));
	return h("div", {className: "tools"},
		h("button", {type: "button", title: "React with a pin", "aria-label": "React with a pin", onclick: () => reactTo(message, "pushpin")}, "📌"),
		!message.thread_ts || message.thread_ts === message.ts ? h("button", {type: "button", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => {
			openThreads.add(message.ts);
			draw();
		}}, "💬") : null, menu);
}

function reactTo(message, name) {
	const found = (message.reactions || []).find(one => one.name === name);
	const mine = found && found.users.includes(state.me);
	post("react", {user: state.me, channel: state.channel.id, ts: message.ts, reaction: name, remove: mine || undefined});
}

function reactionsNode(message) {
	if (!(message.reactions || []).length) return null;
	return h("div", {className: "reactions"}, message.reactions.map(one => h("button", {
		type: "button", className: one.users.includes(state.me) ? "mine" : "", title: one.users.map(nameOf).join(", "),
		onclick: () => reactTo(message, one.name)}, `${EMOJI[one.name] || ":" + one.name + ":"} ${one.count}`)));
}

function bodyNode(message) {
	const place = {channel: state.channel.id, ts: message.ts};
	const files = (message.files || []).map(file => h("div", {className: "b-image"},
		h("a", {href: file.url_private, target: "_blank", rel: "noopener"}, "📄 " + file.title), ` · ${file.size} bytes`));
	if (message.blocks && message.blocks.length) return [blocksNode(message.blocks, place, message.chosen), files];
	return [mrkdwn(message.text || ""), files];
}

function threadNode(message, replies) {
	const open = openThreads.has(message.ts);
	if (!replies.length && !open) return null;
	const last = replies.at(-1);
	const box = h("div", {className: "thread"}, h("button", {type: "button", "aria-expanded": String(open), onclick: () => {
		open ? openThreads.delete(message.ts) : openThreads.add(message.ts);
		draw();
	}}, open ? "Hide thread" : replies.length === 1 ? "1 reply" : `${replies.length} replies`,
	last && !open ? h("span", null, ` · last ${when(+last.ts, {hour: "2-digit", minute: "2-digit"})}`) : null));
	if (!open) return box;
	const input = h("input", {placeholder: "Reply…", "aria-label": "Reply in thread", value: drafts.get(message.ts) || "",
		oninput: () => drafts.set(message.ts, input.value)});
	input.dataset.thread = message.ts;
	box.append(h("div", {className: "replies"}, replies.map(reply => messageNode(reply, [], true)),
		h("form", {onsubmit: event => {
			event.preventDefault();
			const text = input.value.trim();
			if (!text) return;
			if (/^\/\w/.test(text)) return hint("Slash commands do not work in threads.", true);
			input.value = "";
			drafts.delete(message.ts);
			post("message", {user: state.me, channel: state.channel.id, text, thread_ts: message.ts});
		}}, input, h("button", {className: "button"}, "Reply"))));
	return box;
}

function messageNode(message, replies, small) {
	const sub = message.subtype || "";
	if (sub.startsWith("channel_"))
		return h("div", {className: "system"}, nameOf(message.user) + " ", inline(message.text.replace(/^<@\w+> /, "")));
	const slackbot = message.ephemeral && message.from === "slackbot";
	const sender = message.ephemeral ? state.bot : message.user;
	const bot = (state.users[sender] || {}).bot;
	const pin = state.channel.pins.find(one => one.ts === message.ts);
	return h("article", {className: "message" + (message.ephemeral ? " private" : "") + (pin ? " has-pin" : ""), id: "m" + message.ts},
		message.ephemeral ? h("div", {className: "only"}, "👁", " Only visible to you") : null,
		pin ? h("div", {className: "pinned"}, `📌 Pinned by ${nameOf(pin.by)}`) : null,
		slackbot ? h("div", {className: "face bot" + (small ? " small" : "")}, "S") : face(sender, small),
		h("div", null,
			h("div", {className: "by"}, h("b", null, slackbot ? "Slackbot" : nameOf(sender)), bot && !slackbot ? h("span", {className: "tag"}, "APP") : null,
				h("span", {className: "at"}, when(+message.ts, {hour: "2-digit", minute: "2-digit"})),
				message.edited ? h("span", {className: "edited", title: when(+message.edited.ts, {hour: "2-digit", minute: "2-digit", second: "2-digit"})}, "(edited)") : null),
			bodyNode(message), reactionsNode(message), small ? null : threadNode(message, replies)),
		message.ephemeral ? null : toolsNode(message));
}

/* Messages that say how long ago something was are drawn again as time goes by. */
function clock(message) {
	return /\{ago\}|_pretty\}/.test(JSON.stringify([message.text, message.blocks])) ? Math.floor(Date.now() / 30000) : 0;
}

function drawMessages() {
	const box = $("messages");
	const writing = document.activeElement && document.activeElement.dataset.thread;
	const other = lastChannel !== state.channel.id + state.me;
	const atEnd = other || box.scrollHeight - box.scrollTop - box.clientHeight < 80;
	if (other) drawn.clear();
	lastChannel = state.channel.id + state.me;
	const channel = state.channel;
	const top = channel.messages.filter(m => !m.thread_ts || m.thread_ts === m.ts || m.ephemeral || m.subtype === "thread_broadcast");
	const nodes = [];
	const next = new Map();
	const keep = (key, json, make) => {
		const old = drawn.get(key);
		const entry = old && old.json === json ? old : {json, node: make()};
		next.set(key, entry);
		nodes.push(entry.node);
	};
	keep("start", channel.id + channel.name + channel.purpose, () => h("div", {className: "start"},
		h("h2", null, channel.im ? channel.name : "# " + channel.name),
		channel.purpose || (channel.im ? "This conversation is between the two of you." : "This is the beginning of the channel.")));
	let day = "";
	for (const message of top) {
		const today = when(+message.ts, {weekday: "long", day: "numeric", month: "long"});
		if (today !== day) keep("day" + today, today, () => h("div", {className: "day"}, today));
		day = today;
		const replies = channel.messages.filter(m => m.thread_ts === message.ts && m.ts !== message.ts);
		const pinned = channel.pins.some(pin => pin.ts === message.ts);
		keep(message.ts, JSON.stringify([message, replies, openThreads.has(message.ts), pinned, clock(message)]),
			() => messageNode(message, replies));
	}
	drawn = next;
	/* Only what changed moves in the document: the focus stays where it is. */
	nodes.forEach((node, at) => { if (box.childNodes[at] !== node) box.insertBefore(node, box.childNodes[at] || null); });
	while (box.childNodes.length > nodes.length) box.lastChild.remove();
	const input = writing && [...box.querySelectorAll("[data-thread]")].find(node => node.dataset.thread === writing);
	if (input && input !== document.activeElement) input.focus();
	if (atEnd) box.scrollTop = box.scrollHeight;
	const wanted = query.get("message");
	if (wanted && $("m" + wanted)) {
		query.delete("message");
		show(wanted);
	}
}

function show(ts) {
	const node = $("m" + ts);
	if (!node) return;
	node.scrollIntoView({block: "center"});
	node.classList.remove("flash");
	void node.offsetWidth;
	node.classList.add("flash");
}

/* ---- around the messages ---- */

function go(channel, home) {
	here = {...here, channel, home: !!home};
	const url = new URLSearchParams(location.search);
	url.set("user", here.user);
	url.set("channel", here.channel);
	home ? url.set("home", "1") : url.delete("home");
	history.replaceState(null, "", "?" + url);
	hint("");
	side(false);
	if (home) post("home", {user: here.user});
	else refresh();
}

function side(open) {
	$("side").classList.toggle("open", open);
	$("menu").setAttribute("aria-expanded", String(open));
	if (open) $("shade").hidden = false;
	else if (state && !document.querySelector(".modal")) $("shade").hidden = true;
}

function drawSide() {
	const entry = channel => h("li", {className: (channel.unread ? "unread " : "") + (channel.archived ? "archived" : "")},
		h("button", {"aria-current": !here.home && channel.id === state.channel.id ? "page" : null, onclick: () => go(channel.id)},
			h("span", {className: "mark"}, channel.im ? "@" : channel.private ? "🔒" : channel.archived ? "▫" : "#"),
			h("span", {className: "label"}, channel.name),
			channel.unread && channel.id !== state.channel.id ? h("span", {className: "badge"}, String(channel.unread)) : null));
	const rooms = state.channels.filter(channel => !channel.im && !channel.archived);
	const gone = state.channels.filter(channel => channel.archived);
	const direct = state.channels.filter(channel => channel.im && channel.member);
	$("channels").replaceChildren(h("li", {className: "group"}, "Channels"), ...rooms.map(entry),
		h("li", {className: "group"}, "Apps"),
		h("li", null, h("button", {"aria-current": here.home ? "page" : null, onclick: () => go(here.channel, true)},
			h("span", {className: "mark"}, "⌂"), h("span", {className: "label"}, "sitrep home"))),
		...direct.map(entry), ...(gone.length ? [h("li", {className: "group"}, "Archived"), ...gone.map(entry)] : []));
	$("menu-unread").hidden = !state.channels.some(channel => channel.unread && channel.id !== state.channel.id);
	const people = Object.entries(state.users).filter(([, user]) => !user.bot);
	if ($("who").children.length !== people.length)
		$("who").replaceChildren(...people.map(([id, user]) => h("option", {value: id}, `@${user.name} · ${user.tz}`)));
	$("who").value = state.me;
	$("link").textContent = state.connected ? `bot connected${state.connected > 1 ? " ×" + state.connected : ""}` : "no bot";
	$("link").classList.toggle("on", state.connected > 0);
}

function drawHead() {
	const channel = state.channel;
	$("name").textContent = here.home ? "sitrep" : (channel.im ? "" : "# ") + channel.name;
	$("topic").replaceChildren(...(here.home ? ["Home"] : inline(channel.topic || "")));
	$("topic").title = channel.topic;
	$("members").textContent = here.home ? "" : `${channel.members} members`;
	document.title = `${here.home ? "Home" : "#" + channel.name} · Sandbox`;
	const pins = channel.pins.map(pin => channel.messages.find(m => m.ts === pin.ts)).filter(Boolean);
	const marks = here.home ? [] : [
		...pins.map(message => h("button", {onclick: () => show(message.ts), title: message.text}, "📌 " + short(message))),
		...channel.bookmarks.map(mark => safeLink(mark.link, (mark.emoji ? emoji(mark.emoji) : "🔖") + " " + mark.title))];
	$("marks").replaceChildren(...marks);
	$("marks").hidden = !marks.length;
}

function short(message) {
	const first = mrkdwn(message.text || "").textContent.split("\n")[0] || "pinned message";
	return first.length > 48 ? first.slice(0, 47) + "…" : first;
}

function drawHome() {
	$("home").hidden = !here.home;
	$("messages").hidden = here.home;
	$("composer").hidden = here.home || state.channel.archived;
	if (!here.home) return;
	const json = JSON.stringify([state.home, state.me]);
	if (json === homeDrawn) return;
	homeDrawn = json;
	if (state.home && !forms.has(state.home.id)) forms.set(state.home.id, {});
	$("home").replaceChildren(state.home ? blocksNode(state.home.blocks, {view: state.home.id}, forms.get(state.home.id))
		: h("div", {className: "start"}, h("h2", null, "Nothing here yet"), "The app has not published a home for you."));
}

/* ---- forms ---- */

function drawModal() {
	const view = state.views.at(-1);
	const json = view ? JSON.stringify([view.id, view.hash, view.errors, view.trouble, view.blocks]) : "";
	if (json === formDrawn) return;
	formDrawn = json;
	const had = document.activeElement && document.activeElement.closest("#modals");
	$("shade").hidden = !view;
	if (!view) return $("modals").replaceChildren();
	if (!forms.has(view.id)) forms.set(view.id, {});
	const submit = h("button", {className: "button solid primary", type: "submit", disabled: view.submit_disabled}, plain(view.submit));
	const cancel = () => post("cancel", {user: state.me, view_id: view.id});
	const box = h("form", {className: "modal", role: "dialog", "aria-modal": "true", "aria-label": plain(view.title), noValidate: true,
		onkeydown: event => { if (event.key === "Escape") cancel(); },
		onsubmit: async event => {
			event.preventDefault();
			if (!view.submit) return;
			submit.disabled = true;
			await post("submit", {user: state.me, view_id: view.id, values: forms.get(view.id)});
			submit.disabled = false;
		}},
		h("header", null, h("h2", null, plain(view.title)), h("button", {type: "button", className: "plain", "aria-label": "Close", onclick: cancel}, "✕")),
		h("div", {className: "body"}, view.trouble ? h("div", {className: "trouble", role: "alert"}, view.trouble) : null,
			view.blocks.map(block => blockNode(block, {view: view.id}, forms.get(view.id), view.errors))),
		h("footer", null, h("button", {type: "button", className: "button", onclick: cancel}, view.close ? plain(view.close) : "Cancel"),
			view.submit ? submit : null));
	$("modals").replaceChildren(box);
	const first = box.querySelector(".invalid .field") || box.querySelector(".field, button.primary");
	if (first && !had || first && first.closest(".invalid")) first.focus();
}

/* ---- composer ---- */

async function send() {
	const text = $("text").value.trim();
	if (!text) return;
	typed = [...typed.slice(-49), text];
	typedAt = typed.length;
	$("text").value = "";
	grow();
	const command = text.match(/^(\/[a-z][\w-]*)(?:\s+([\s\S]*))?$/i);
	if (!command) return post("message", {user: state.me, channel: state.channel.id, text});
	hint(`${command[1]} …`);
	$("send").disabled = true;
	const said = await post("command", {user: state.me, channel: state.channel.id, command: command[1], text: command[2] || ""});
	$("send").disabled = false;
	if (said.ok) hint(said.failed ? `${command[1]} failed` : "", !!said.failed);
	$("messages").scrollTop = $("messages").scrollHeight;
}

function grow() {
	$("text").style.height = "auto";
	$("text").style.height = Math.min(160, $("text").scrollHeight) + "px";
}

/* Whoever is at the end stays there when the place for messages changes, as by Jira's panel beside it. */
let atBottom = true;
$("messages").addEventListener("scroll", event => {
	const box = event.target;
	atBottom = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
});
new ResizeObserver(() => { if (atBottom) $("messages").scrollTop = $("messages").scrollHeight; }).observe($("messages"));

$("composer").addEventListener("submit", event => { event.preventDefault(); send(); });
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", event => {
	if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
		event.preventDefault();
		send();
	} else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && ($("text").value === "" || $("text").value === typed[typedAt])) {
		typedAt = Math.max(0, Math.min(typed.length, typedAt + (event.key === "ArrowUp" ? -1 : 1)));
		$("text").value = typed[typedAt] || "";
		event.preventDefault();
	}
});
$("who").addEventListener("change", () => { here.user = $("who").value; go(here.channel, here.home); });
$("menu").addEventListener("click", () => side(!$("side").classList.contains("open")));
$("shade").addEventListener("click", () => side(false));
document.addEventListener("click", event => {
	for (const menu of document.querySelectorAll(".menu")) if (!menu.contains(event.target) && menu.children.length > 1) menu.lastChild.remove();
});

/* The app's global shortcuts, beside the composer. */
function drawShortcuts() {
	const found = state.shortcuts.filter(shortcut => shortcut.type === "global");
	const menu = $("shortcuts");
	menu.hidden = !found.length;
	if (menu.children.length) return;
	menu.append(h("button", {type: "button", className: "plain", title: "Shortcuts", "aria-label": "Shortcuts", onclick: () => {
		if (menu.children.length > 1) return menu.lastChild.remove();
		menu.append(h("div", null, found.map(shortcut => h("button", {type: "button", onclick: () => {
			menu.lastChild.remove();
			post("shortcut", {user: state.me, callback_id: shortcut.callback_id});
		}}, shortcut.name))));
	}}, "⚡"));
}

/* ---- life ---- */

function draw() {
	drawSide();
	drawHead();
	drawHome();
	if (!here.home) drawMessages();
	drawModal();
	drawShortcuts();
	$("text").placeholder = matchMedia("(max-width: 760px)").matches ? "Message, or /inc …"
		: `Message ${state.channel.im ? "" : "#"}${state.channel.name}, or a command: /inc …`;
}

let asking = null, again = false;

/* One fetch at a time; what changes meanwhile is fetched once more. */
async function refresh() {
	if (asking) {
		again = true;
		return asking;
	}
	asking = (async () => {
		do {
			again = false;
			const response = await fetch("page/view?" + new URLSearchParams({user: here.user, channel: here.channel}));
			state = await response.json();
			draw();
			const entry = state.channels.find(channel => channel.id === state.channel.id);
			if (!here.home && entry && entry.unread && !document.hidden)
				await fetch("control/read", {method: "POST", body: JSON.stringify({user: state.me, channel: state.channel.id})});
		} while (again);
	})().finally(() => { asking = null; });
	return asking;
}

function live() {
	const source = new EventSource("page/live");
	source.onmessage = event => {
		const [chat, tickets] = JSON.parse(event.data);
		if (!state || state.version !== chat) refresh().catch(() => {});
		document.dispatchEvent(new CustomEvent("tickets", {detail: tickets}));
	};
	source.onerror = () => { $("link").textContent = "sandbox is away"; $("link").classList.remove("on"); };
}

if (!still) setInterval(() => { if (state) draw(); }, 30000);
refresh().then(() => {
	hint("Enter sends, Shift+Enter makes a line. Try /inc help");
	if (here.home && !still) post("home", {user: here.user});
	if (!still) live();
	if (!matchMedia("(hover: none)").matches && !state.views.length) $("text").focus();
});
