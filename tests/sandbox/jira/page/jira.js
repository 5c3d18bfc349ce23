"use strict";
/* The tickets beside the chat. Uses the small tools of page.js; has a picture of its own, fetched after every change in
 * Jira. What is typed outlives a redraw: drafts are kept by name. */

const ticket = {open: query.has("jira"), key: query.get("jira") || "", picture: null, drawn: "", drafts: new Map(), error: "", making: false};

const actor = () => {
	const name = state && state.users[state.me] ? state.users[state.me].name : here.user;
	return ticket.picture && ticket.picture.users[name] ? name : "alice";
};
const clockTime = ms => when(ms / 1000, {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit"});
const personName = name => !name ? "nobody" : name;

async function jiraPost(path, body) {
	const response = await fetch("control/jira/" + path, {
		method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({user: actor(), ...body})});
	const said = await response.json();
	ticket.error = said.ok ? "" : said.error;
	ticket.drawn = "";
	await jiraRefresh();
	return said;
}

function jiraGo(key, open = true) {
	ticket.open = open;
	ticket.key = key;
	ticket.error = "";
	ticket.making = false;
	const url = new URLSearchParams(location.search);
	open ? url.set("jira", key) : url.delete("jira");
	history.replaceState(null, "", "?" + url);
	ticket.drawn = "";
	jiraRefresh().then(() => { $("jira").scrollTop = 0; });
}

/* ---- pieces ---- */

const statusChip = name => h("span", {className: "chip s-" + (ticket.picture.categories[name] || "new")}, name);

function priorityMark(name) {
	if (!name) return null;
	const at = ticket.picture.priorities.indexOf(name);
	return h("span", {className: "priority p" + Math.min(at < 0 ? 2 : at, 4), title: "Priority"}, name);
}

const labelChips = labels => labels.map(label => h("span", {className: "label-chip"}, label));

/* Wiki text: its links become links, the rest stays as it is written. */
function wikiText(text) {
	const out = [];
	let at = 0;
	for (const match of text.matchAll(/\[(?:([^|\]\n]+)\|)?(https?:\/\/[^\]\s]+)\]/g)) {
		out.push(text.slice(at, match.index), safeLink(match[2], match[1] || match[2]));
		at = match.index + match[0].length;
	}
	out.push(text.slice(at));
	return h("div", {className: "text"}, out);
}

/* A field that remembers what is typed in it until it is sent. */
function draft(tag, name, value, props = {}) {
	const kept = ticket.drafts.get(name);
	const node = h(tag, {className: "field", ...props, value: kept === undefined ? value : kept,
		oninput: event => ticket.drafts.set(name, event.target.value)});
	node.dataset.draft = name;
	return node;
}

const taken = name => {
	const value = ticket.drafts.get(name);
	ticket.drafts.delete(name);
	return value;
};

const options = (names, chosen) => names.map(name => h("option", {value: name, selected: name === chosen}, name));
const part = (title, ...children) => h("section", null, h("h3", null, title), ...children);

/* ---- the list ---- */

function makeForm() {
	const summary = draft("input", "new", "", {placeholder: "Summary", "aria-label": "Summary", maxLength: 255});
	const project = h("select", {className: "field", "aria-label": "Project"}, options(Object.keys(ticket.picture.projects)));
	const kind = h("select", {className: "field", "aria-label": "Type"}, options(ticket.picture.types.filter(name => !/sub/i.test(name))));
	return h("form", {className: "make", onsubmit: async event => {
		event.preventDefault();
		if (!summary.value.trim()) return summary.focus();
		const said = await jiraPost("issue", {summary: summary.value.trim(), project: project.value, type: kind.value});
		if (said.ok) {
			taken("new");
			jiraGo(said.issue.key);
		}
	}}, summary, h("div", {className: "row"}, project, kind, h("button", {className: "button solid primary"}, "Create")));
}

function listNode() {
	const picture = ticket.picture;
	const row = issue => h("li", null, h("button", {type: "button", onclick: () => jiraGo(issue.key)},
		h("span", {className: "line"}, h("b", null, issue.key), h("span", {className: "kind"}, issue.parent ? `${issue.type} of ${issue.parent}` : issue.type),
			statusChip(issue.status)),
		h("span", {className: "summary"}, issue.summary),
		h("span", {className: "line small"}, priorityMark(issue.priority), labelChips(issue.labels),
			h("span", {className: "by-whom"}, personName(issue.assignee || issue.reporter), issue.comments ? ` · 💬 ${issue.comments}` : ""))));
	return [
		h("header", null, h("h2", null, "Jira"), h("span", {className: "count"}, picture.total === 1 ? "1 ticket" : `${picture.total} tickets`),
			h("button", {type: "button", className: "button", "aria-expanded": String(ticket.making), onclick: () => {
				ticket.making = !ticket.making;
				jiraDraw(true);
				const field = document.querySelector(".make .field");
				if (field) field.focus();
			}}, "New"),
			h("button", {type: "button", className: "plain", "aria-label": "Close Jira", onclick: () => jiraGo("", false)}, "✕")),
		ticket.error ? h("div", {className: "trouble", role: "alert"}, ticket.error) : null,
		ticket.making ? makeForm() : null,
		picture.issues.length ? h("ul", {className: "tickets"}, picture.issues.map(row))
			: h("p", {className: "empty"}, "No tickets yet. The bot makes one when an incident begins, or you make one by hand."),
	];
}

/* ---- one ticket ---- */

function summaryForm(issue) {
	const name = "summary " + issue.id;
	const input = draft("textarea", name, issue.summary, {"aria-label": "Summary", maxLength: 255, rows: issue.summary.length > 36 ? 2 : 1,
		onkeydown: event => {
			if (event.key !== "Enter") return;
			event.preventDefault();
			input.form.requestSubmit();
		}});
	return h("form", {className: "row summary-form", onsubmit: async event => {
		event.preventDefault();
		const said = await jiraPost("edit", {issue: issue.id, fields: {summary: input.value}});
		if (said.ok) ticket.drafts.delete(name);
		jiraDraw(true);
	}}, input, h("button", {className: "button"}, "Save"));
}

function commentForm(issue) {
	const name = "comment " + issue.id;
	const input = draft("textarea", name, "", {placeholder: `Comment as ${actor()}…`, "aria-label": "Comment", rows: 2});
	return h("form", {className: "comment-form", onsubmit: event => {
		event.preventDefault();
		if (!input.value.trim()) return input.focus();
		taken(name);
		jiraPost("comment", {issue: issue.id, text: input.value.trim()});
	}}, input, h("button", {className: "button"}, "Comment"));
}

const historyLine = entry => h("li", null, h("span", {className: "at"}, `${clockTime(entry.created)} ${entry.author}`),
	entry.items.map(item => h("div", null, h("b", null, item.field), " ", item.fromString || "—", " → ", item.toString || "—")));

function ticketNode() {
	const picture = ticket.picture, issue = picture.issue;
	const head = h("header", null,
		h("button", {type: "button", className: "plain", "aria-label": "All tickets", onclick: () => jiraGo("")}, "←"),
		h("h2", null, issue ? issue.key : ticket.key), issue ? h("span", {className: "count"}, issue.type) : null,
		issue ? statusChip(issue.status) : null,
		h("button", {type: "button", className: "plain", "aria-label": "Close Jira", onclick: () => jiraGo("", false)}, "✕"));
	if (!issue) return [head, h("p", {className: "empty"}, "There is no such ticket, or not any more.")];
	const elsewhere = Object.keys(picture.projects).filter(key => key !== issue.project);
	const custom = Object.entries(picture.custom).filter(([field]) => issue[field] !== undefined && issue[field] !== null);
	const fact = (name, ...value) => h("div", {className: "fact"}, h("span", null, name), h("div", null, ...value));
	return [
		head,
		ticket.error ? h("div", {className: "trouble", role: "alert"}, ticket.error) : null,
		summaryForm(issue),
		h("div", {className: "moves"}, issue.transitions.length ? issue.transitions.map(one => h("button", {type: "button", className: "button",
			title: `to ${one.to}`, onclick: () => jiraPost("transition", {issue: issue.id, to: one.id})}, one.name, h("small", null, ` → ${one.to}`)))
			: h("span", {className: "empty"}, "The workflow leads nowhere from here.")),
		h("div", {className: "facts"},
			fact("Priority", h("select", {className: "field", "aria-label": "Priority", onchange: event =>
				jiraPost("edit", {issue: issue.id, fields: {priority: event.target.value}})}, options(picture.priorities, issue.priority))),
			fact("Labels", issue.labels.length ? labelChips(issue.labels) : "none"),
			fact("Reporter", personName(issue.reporter)), fact("Assignee", personName(issue.assignee)),
			issue.resolution ? fact("Resolution", issue.resolution) : null,
			custom.map(([field, name]) => fact(name, String(issue[field]))),
			issue.parent_key ? fact("Parent", h("button", {className: "as-link", onclick: () => jiraGo(issue.parent_key)}, issue.parent_key)) : null,
			issue.old_keys.length ? fact("Was", issue.old_keys.join(", ")) : null,
			fact("Updated", clockTime(issue.updated)),
			elsewhere.length ? fact("Move to", elsewhere.map(project => h("button", {type: "button", className: "button", onclick: () =>
				jiraPost("move", {issue: issue.id, project})}, project))) : null),
		issue.description ? part("Description", wikiText(issue.description)) : null,
		issue.subtasks.length ? part("Sub-tasks", h("div", {className: "line"}, issue.subtasks.map(key => h("button", {className: "as-link", onclick: () => jiraGo(key)}, key)))) : null,
		issue.links.length ? part("Links", h("ul", {className: "links"}, issue.links.map(link => h("li", null,
			safeLink(link.object.url, link.object.title), link.object.summary ? h("small", null, " " + link.object.summary) : null)))) : null,
		part(`Comments (${issue.comments.length})`, h("ul", {className: "comments"}, issue.comments.slice(-50).map(one => h("li", null,
			h("div", {className: "by"}, h("b", null, one.author), picture.users[one.author] && picture.users[one.author].app ? h("span", {className: "tag"}, "APP") : null,
				h("span", {className: "at"}, clockTime(one.created)), one.updated !== one.created ? h("span", {className: "edited"}, "(edited)") : null),
			wikiText(one.text)))), commentForm(issue)),
		part("History", issue.history.length ? h("ul", {className: "history"}, issue.history.slice(-100).reverse().map(historyLine))
			: h("p", {className: "empty"}, `Made by ${issue.creator}, ${clockTime(issue.created)}; nothing changed since.`)),
	];
}

/* ---- life ---- */

function jiraDraw(anyway) {
	const picture = ticket.picture;
	if (!picture || !state) return;
	$("jira-count").textContent = picture.total ? String(picture.total) : "";
	$("jira-open").setAttribute("aria-expanded", String(ticket.open));
	$("jira").hidden = !ticket.open;
	$("app").classList.toggle("with-jira", ticket.open);
	if (!ticket.open) return;
	const json = JSON.stringify([{...picture, version: 0}, ticket.key, ticket.making, ticket.error, actor()]);
	if (json === ticket.drawn && !anyway) return;
	ticket.drawn = json;
	const active = document.activeElement;
	const writing = active && active.dataset && active.dataset.draft;
	const at = writing && [active.selectionStart, active.selectionEnd];
	const top = $("jira").scrollTop;
	$("jira").replaceChildren(...(ticket.key ? ticketNode() : listNode()).filter(Boolean));
	$("jira").scrollTop = top;
	const again = writing && [...$("jira").querySelectorAll("[data-draft]")].find(node => node.dataset.draft === writing);
	if (again) {
		again.focus();
		again.setSelectionRange(...at);
	}
}

let jiraAsking = null, jiraAgain = false;

async function jiraRefresh() {
	if (jiraAsking) {
		jiraAgain = true;
		return jiraAsking;
	}
	jiraAsking = (async () => {
		do {
			jiraAgain = false;
			const response = await fetch("page/jira?" + new URLSearchParams({issue: ticket.key}));
			ticket.picture = await response.json();
			jiraDraw();
		} while (jiraAgain);
	})().finally(() => { jiraAsking = null; });
	return jiraAsking;
}

$("jira-open").addEventListener("click", () => jiraGo(ticket.key, !ticket.open));
$("who").addEventListener("change", () => jiraDraw(true));
/* A ticket's address, clicked in the chat, opens here: the person stays who they are. */
document.addEventListener("click", event => {
	const link = event.target.closest && event.target.closest("a[href]");
	/* Where the tickets cover the chat, a link into the chat uncovers it. */
	if (link && event.defaultPrevented && link.closest("#jira") && matchMedia("(max-width: 760px)").matches) return jiraGo(ticket.key, false);
	const found = link && URL.canParse(link.href) && new URL(link.href).origin === location.origin
		&& new URL(link.href).pathname.match(/^\/jira\/browse\/([A-Za-z][\w]*-\d+)$/);
	if (!found) return;
	event.preventDefault();
	jiraGo(found[1]);
});

document.addEventListener("tickets", event => {
	if (!ticket.picture || ticket.picture.version !== event.detail) jiraRefresh().catch(() => {});
});
asking.then(jiraRefresh);
