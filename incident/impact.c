#include "incident/impact.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

#define IMPACT_JSON_MAX (64u << 10)
#define PERMILLE_MAX	1000
#define NAME_MAX_BYTES	32

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *const tri_names[] = {
	[TRI_UNKNOWN] = "unknown",
	[TRI_NO] = "no",
	[TRI_YES] = "yes",
};

static const struct {
	const char *word;
	enum tri tri;
} tri_words[] = {
	{ "yes", TRI_YES },
	{ "y", TRI_YES },
	{ "true", TRI_YES },
	{ "confirmed", TRI_YES },
	{ "affected", TRI_YES },
	{ "1", TRI_YES },
	{ "no", TRI_NO },
	{ "n", TRI_NO },
	{ "false", TRI_NO },
	{ "none", TRI_NO },
	{ "ruled out", TRI_NO },
	{ "unaffected", TRI_NO },
	{ "not affected", TRI_NO },
	{ "0", TRI_NO },
	{ "unknown", TRI_UNKNOWN },
	{ "?", TRI_UNKNOWN },
	{ "unclear", TRI_UNKNOWN },
	{ "not known", TRI_UNKNOWN },
};

const char *tri_name(enum tri t)
{
	return (unsigned)t < COUNT(tri_names) ? tri_names[t] : "unknown";
}

bool tri_parse(const char *text, enum tri *out)
{
	for (size_t i = 0; text && i < COUNT(tri_words); i++) {
		if (!text_equal_fold(text, tri_words[i].word))
			continue;
		*out = tri_words[i].tri;
		return true;
	}
	return false;
}

void impact_init(struct impact_facts *f)
{
	*f = (struct impact_facts){
		.users = -1,
		.share_permille = -1,
		.budget_permille = -1,
		.tickets = -1,
	};
}

/* ---- the record: only what is known has a key -------------------------------------------- */

static void put_text(json_t *obj, const char *key, const char *value)
{
	if (value && *value)
		json_object_set_new(obj, key, json_string(value));
}

static void put_number(json_t *obj, const char *key, int64_t value, int64_t least)
{
	if (value >= least)
		json_object_set_new(obj, key, json_integer(value));
}

static void put_tri(json_t *obj, const char *key, enum tri value)
{
	if (value != TRI_UNKNOWN)
		json_object_set_new(obj, key, json_string(tri_name(value)));
}

json_t *impact_json(const struct impact_facts *f)
{
	json_t *obj = json_object();

	put_number(obj, "users", f->users, 0);
	put_number(obj, "share_permille", f->share_permille, 0);
	put_text(obj, "journeys", f->journeys);
	put_number(obj, "began_at", f->began_at, 1);
	put_number(obj, "ended_at", f->ended_at, 1);
	put_tri(obj, "data_loss", f->data_loss);
	put_tri(obj, "data_corruption", f->data_corruption);
	put_text(obj, "critical_period", f->critical_period);
	put_text(obj, "revenue", f->revenue);
	put_number(obj, "budget_permille", f->budget_permille, 0);
	put_number(obj, "tickets", f->tickets, 0);
	if (f->paying_customer)
		json_object_set_new(obj, "paying_customer", json_true());
	return obj;
}

static char *get_text(struct arena *a, const json_t *obj, const char *key)
{
	const char *value = json_get_str(obj, key);

	return value && *value ? arena_strdup(a, value) : NULL;
}

static int64_t get_number(
	const json_t *obj, const char *key, int64_t least, int64_t most, int64_t unknown)
{
	int64_t value = json_get_int(obj, key, unknown);

	return value >= least && value <= most ? value : unknown;
}

static enum tri get_tri(const json_t *obj, const char *key)
{
	enum tri value = TRI_UNKNOWN;

	return tri_parse(json_get_str(obj, key), &value) ? value : TRI_UNKNOWN;
}

int impact_read(struct arena *a, const char *text, struct impact_facts *out)
{
	JSON_CLEANUP json_t *obj = NULL;
	int rc;

	impact_init(out);
	if (!text || !*text)
		return 0;
	rc = json_parse(text, strlen(text), IMPACT_JSON_MAX, &obj, NULL);
	if (rc < 0)
		return rc;
	if (!json_is_object(obj))
		return -EINVAL;
	out->users = get_number(obj, "users", 0, INT64_MAX, -1);
	out->share_permille = (int)get_number(obj, "share_permille", 0, PERMILLE_MAX, -1);
	out->journeys = get_text(a, obj, "journeys");
	out->began_at = get_number(obj, "began_at", 1, INT64_MAX, 0);
	out->ended_at = get_number(obj, "ended_at", 1, INT64_MAX, 0);
	out->data_loss = get_tri(obj, "data_loss");
	out->data_corruption = get_tri(obj, "data_corruption");
	out->critical_period = get_text(a, obj, "critical_period");
	out->revenue = get_text(a, obj, "revenue");
	out->budget_permille = (int)get_number(obj, "budget_permille", 0, PERMILLE_MAX, -1);
	out->tickets = get_number(obj, "tickets", 0, INT64_MAX, -1);
	out->paying_customer = json_get_bool(obj, "paying_customer", false);
	return 0;
}

/* ---- the scope table ----------------------------------------------------------------------- */

static const char *const scope_names[SCOPE_KIND_COUNT] = {
	[SCOPE_GROUP] = "group",
	[SCOPE_FAULT_DOMAIN] = "fault-domain",
	[SCOPE_DEPENDENCY] = "dependency",
	[SCOPE_CHANGE] = "change",
};

static const struct {
	const char *word;
	enum scope_kind kind;
} scope_words[] = {
	{ "group", SCOPE_GROUP },
	{ "groups", SCOPE_GROUP },
	{ "tenant", SCOPE_GROUP },
	{ "tenants", SCOPE_GROUP },
	{ "user", SCOPE_GROUP },
	{ "users", SCOPE_GROUP },
	{ "customer", SCOPE_GROUP },
	{ "customers", SCOPE_GROUP },
	{ "fault-domain", SCOPE_FAULT_DOMAIN },
	{ "domain", SCOPE_FAULT_DOMAIN },
	{ "zone", SCOPE_FAULT_DOMAIN },
	{ "region", SCOPE_FAULT_DOMAIN },
	{ "cluster", SCOPE_FAULT_DOMAIN },
	{ "dependency", SCOPE_DEPENDENCY },
	{ "dependencies", SCOPE_DEPENDENCY },
	{ "dep", SCOPE_DEPENDENCY },
	{ "deps", SCOPE_DEPENDENCY },
	{ "change", SCOPE_CHANGE },
	{ "changes", SCOPE_CHANGE },
	{ "deploy", SCOPE_CHANGE },
	{ "release", SCOPE_CHANGE },
	{ "flag", SCOPE_CHANGE },
};

const char *scope_kind_name(enum scope_kind k)
{
	return (unsigned)k < SCOPE_KIND_COUNT ? scope_names[k] : "unknown";
}

bool scope_kind_parse(const char *name, enum scope_kind *out)
{
	char folded[NAME_MAX_BYTES];
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n >= sizeof(folded))
		return false;
	for (size_t i = 0; i <= n; i++) /* "fault domain", fault_domain */
		folded[i] = (char)(name[i] == '_' || name[i] == ' ' ? '-' : name[i]);
	for (size_t i = 0; i < COUNT(scope_words); i++) {
		if (!text_equal_fold(folded, scope_words[i].word))
			continue;
		*out = scope_words[i].kind;
		return true;
	}
	return false;
}
