#include "commands/target.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "commands/protected.h"
#include "commands/reading.h"
#include "commands/say.h"
#include "store/references.h"

#define ASK_MAX       8                /* incidents that are offered */
#define OPEN_LOOK_MAX 50               /* … out of the newest of these */
#define TITLE_SHOWN   60               /* bytes of a title on a button */
#define ARGS_MAX      1500             /* bytes of arguments that a button can carry */

static enum target refuse_absent(struct call *c, int64_t id)
{
	call_refuse(c, "not_found",
		"There is no INC-%lld; nothing was done. The ones there are: /inc list",
		(long long)id);
	return TARGET_REFUSED;
}

static enum target refuse_closed(struct call *c)
{
	call_refuse(c, "conflict",
		"INC-%lld is %s; %s works only on an open incident, so nothing was done. Reopen it "
		"first: /inc reopen #%lld why",
		(long long)c->incident.id, state_name(c->incident.state), c->op->name,
		(long long)c->incident.id);
	return TARGET_REFUSED;
}

/* What is done there would be lost to those who work on the other one. */
static enum target refuse_merged(struct call *c)
{
	call_refuse(c, "conflict",
		"INC-%lld is merged into INC-%lld, so %s was not done here. Go on there: /inc #%lld "
		"%s; notes are still taken here, and if they are two after all: /inc unmerge #%lld "
		"why",
		(long long)c->incident.id, (long long)c->incident.merged_into, c->op->name,
		(long long)c->incident.merged_into, c->op->name, (long long)c->incident.id);
	return TARGET_REFUSED;
}

/* c->incident is one that the actor may see. */
static enum target take(struct call *c)
{
	c->has_incident = true;
	protected_looked(c, &c->incident, c->actor);
	if (c->incident.merged_into && c->op->need != NEED_NOTHING &&
		!(c->op->flags & (OP_READS | OP_INTERNAL | OP_MERGED)))
		return refuse_merged(c);
	if (c->op->need == NEED_OPEN && !state_active(c->incident.state))
		return refuse_closed(c);
	return TARGET_FOUND;
}

/* Whoever may not see it cannot tell that it exists: the same answer, after the same work. */
static enum target load(struct call *c, int64_t id)
{
	int rc = protected_load(c, id, &c->incident, &c->roles);

	if (rc == -ENOENT)
		return refuse_absent(c, id);
	return rc < 0 ? TARGET_FAILED : take(c);
}

/* The incident whose channel, or whose message, the request comes from; 0 when there is none. */
static int from_place(struct call *c, int64_t *id)
{
	const struct place *place = &c->request->place;
	struct reference ref;
	int rc = -ENOENT;

	*id = 0;
	if (place->channel) {
		rc = reference_by_key(c->store, c->arena, place->channel, &ref, &c->err);
		if (rc == 0 && strcmp(ref.slot, SLOT_CHANNEL))
			rc = -ENOENT;
	}
	if (rc == -ENOENT && place->thread)
		rc = reference_by_key(c->store, c->arena, place->thread, &ref, &c->err);
	if (rc == 0)
		*id = ref.incident;
	return rc == -ENOENT ? 0 : rc;
}

/* Open ones that the actor may see, worst first. */
static int open_ones(struct call *c, struct incident **out, size_t *count)
{
	struct incident_filter f;

	incident_filter_init(&f);
	f.open_only = true;
	f.limit = OPEN_LOOK_MAX;
	protected_filter(c, c->actor, &f);
	return incident_find(c->store, c->arena, &f, out, count, &c->err);
}

static enum target refuse_none(struct call *c)
{
	call_refuse(c, "not_found",
		"No incident is open, so %s has nothing to work on. Open one: /inc declare sev2 "
		"what is wrong; or name an older one: /inc #42 %s",
		c->op->name, c->op->name);
	return TARGET_REFUSED;
}

static enum target only_one(struct call *c)
{
	struct incident *open;
	size_t n;
	enum target t;

	if (open_ones(c, &open, &n) < 0)
		return TARGET_FAILED;
	if (n == 0)
		return refuse_none(c);
	if (n > 1)
		return TARGET_SEVERAL;
	t = load(c, open[0].id);
	if (t == TARGET_FOUND)
		call_understood(
			c, "taken for INC-%lld, the only open incident", (long long)open[0].id);
	return t;
}

/* By where it was said. The place of an incident that the actor may not see is a place like any
 * other: *elsewhere. */
static enum target by_place(struct call *c, bool *elsewhere)
{
	int64_t id;
	int rc = from_place(c, &id);

	*elsewhere = false;
	if (rc == 0 && id)
		rc = protected_load(c, id, &c->incident, &c->roles);
	if (rc == -ENOENT || (rc == 0 && !id))
		*elsewhere = true;
	return rc < 0 || *elsewhere ? TARGET_FAILED : take(c);
}

enum target target_find(struct call *c, int64_t named)
{
	bool nothing = c->op->need == NEED_NOTHING, elsewhere;
	enum target t;

	/* The system's own look up what they need, and a new incident has nothing to do with
	 * one that is. */
	if ((nothing && (c->op->flags & OP_INTERNAL)) || operation_makes(c->op))
		return TARGET_FOUND;
	if (named)
		return load(c, named);
	t = by_place(c, &elsewhere);
	if (!elsewhere)
		return t;
	return nothing ? TARGET_FOUND : only_one(c);
}

/* ---- asking which ---- */

static json_t *args_again(struct call *c)
{
	json_t *args = json_object();

	for (size_t i = 0; i < arg_count(c->op); i++) {
		const struct arg_value *v = &c->value[i];

		if (!v->given)
			continue;
		if (c->op->args[i].type == ARG_TIME)
			json_object_set_new(args, c->op->args[i].name, json_integer(v->number));
		else
			json_object_set_new(args, c->op->args[i].name, json_string(v->text));
	}
	return args;
}

static const char *short_title(struct call *c, const struct incident *inc)
{
	size_t n = text_cut(inc->title, TITLE_SHOWN);

	return arena_printf(c->arena, "INC-%lld · %s · %.*s%s", (long long)inc->id,
		words_severity(c, inc->severity), (int)n, inc->title, inc->title[n] ? "…" : "");
}

struct done target_ask(struct call *c)
{
	struct incident *open;
	size_t n;
	json_t *doc, *args;
	bool fits;

	if (open_ones(c, &open, &n) < 0)
		return call_fail(c);
	args = args_again(c);
	fits = strlen(json_text(c->arena, args)) <= ARGS_MAX;
	doc = doc_new(arena_printf(c->arena,
		"%zu incidents are open; nothing was done. Which one is meant by %s? Choose it%s: "
		"/inc #%lld %s …",
		n, c->op->name, fits ? ", or put its number first" : " by putting its number first",
		(long long)open[0].id, c->op->name));
	doc_text(doc, json_get_str(doc, "text"));
	for (size_t i = 0; i < n && i < ASK_MAX; i++) {
		protected_looked(c, &open[i], c->actor);
		if (fits)
			doc_button(doc, short_title(c, &open[i]), c->op->name, open[i].id,
				json_deep_copy(args), NULL);
		else
			doc_list_item(doc, short_title(c, &open[i]));
	}
	if (n > ASK_MAX)
		doc_context(doc, arena_printf(c->arena, "… and %zu more: /inc list", n - ASK_MAX));
	json_decref(args);
	return call_refuse_doc(c, "conflict", doc);
}
