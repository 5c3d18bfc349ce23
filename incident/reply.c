#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "incident/request.h"

#define REPLY_TEXT_MAX (4u << 20)

static const char *const kind_names[] = {
	[REPLY_NONE] = "none",
	[REPLY_MESSAGE] = "message",
	[REPLY_FORM] = "form",
	[REPLY_REFUSAL] = "refusal",
};

void reply_finish(struct reply *r)
{
	if (!r)
		return;
	json_decref(r->doc);
	json_decref(r->form);
	json_decref(r->fields);
	*r = (struct reply){ 0 };
}

static void reply_put(json_t *o, const char *key, json_t *value)
{
	if (value)
		json_object_set(o, key, value);
}

char *reply_text(struct arena *a, const struct reply *r)
{
	JSON_CLEANUP json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(kind_names[r->kind]));
	if (r->code)
		json_object_set_new(o, "code", json_string(r->code));
	reply_put(o, "doc", r->doc);
	reply_put(o, "form", r->form);
	reply_put(o, "fields", r->fields);
	return json_text(a, o);
}

static bool reply_kind_parse(const char *name, enum reply_kind *out)
{
	for (size_t i = 0; name && i < sizeof(kind_names) / sizeof(*kind_names); i++) {
		if (strcmp(name, kind_names[i]) != 0)
			continue;
		*out = (enum reply_kind)i;
		return true;
	}
	return false;
}

int reply_parse(const char *text, struct reply *out, struct arena *a)
{
	JSON_CLEANUP json_t *o = NULL;
	int rc;

	*out = (struct reply){ 0 };
	if (!text)
		return -EINVAL;
	rc = json_parse(text, strlen(text), REPLY_TEXT_MAX, &o, NULL);
	if (rc < 0)
		return rc;
	if (!reply_kind_parse(json_get_str(o, "kind"), &out->kind))
		return -EINVAL;
	out->code = arena_strdup(a, json_get_str(o, "code"));
	out->doc = json_incref(json_get_obj(o, "doc"));
	out->form = json_incref(json_get_obj(o, "form"));
	out->fields = json_incref(json_get_obj(o, "fields"));
	return 0;
}
