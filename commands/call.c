/* What a verb reads of its arguments, and the only ways in which it may end. */
#include "commands/call.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "commands/ends.h"
#include "commands/reading.h"

/* ---- arguments ---- */

static const struct arg_value *value_of(const struct call *c, const char *arg)
{
	for (size_t i = 0; c->op->args && c->op->args[i].name; i++)
		if (!strcmp(c->op->args[i].name, arg))
			return &c->value[i];
	assert(0 && "an argument that is not declared");
	return &c->value[0];
}

bool call_given(const struct call *c, const char *arg)
{
	return value_of(c, arg)->given;
}

const char *call_text(const struct call *c, const char *arg)
{
	const struct arg_value *v = value_of(c, arg);

	return v->given ? v->text : NULL;
}

int64_t call_number(const struct call *c, const char *arg, int64_t otherwise)
{
	const struct arg_value *v = value_of(c, arg);

	return v->given ? v->number : otherwise;
}

bool call_flag(const struct call *c, const char *arg)
{
	return call_number(c, arg, 0) != 0;
}

/* ---- ends ---- */

static struct done end(enum end how)
{
	return (struct done){ .made_by_call = (int)how };
}

static bool says(const json_t *doc, const char *context)
{
	size_t i;
	json_t *block;

	json_array_foreach(json_get_arr(doc, "blocks"), i, block) {
		const char *text = json_get_str(block, "text");

		if (text && !strcmp(text, context))
			return true;
	}
	return false;
}

/* The fallback becomes a block of its own, so that something can be said below it. */
static void doc_below(json_t *doc, const char *context)
{
	if (!json_get_arr(doc, "blocks"))
		doc_text(doc, json_get_str(doc, "text"));
	doc_context(doc, context);
}

static void add_understood(struct call *c, json_t *doc)
{
	if (c->understood && !says(doc, c->understood))
		doc_below(doc, c->understood);
}

struct done call_reply(struct call *c, json_t *doc_take)
{
	add_understood(c, doc_take);
	reply_finish(c->reply);
	c->reply->kind = REPLY_MESSAGE;
	c->reply->doc = doc_take;
	return end(END_DONE);
}

struct done call_replyf(struct call *c, const char *fmt, ...)
{
	va_list ap;
	const char *text;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return call_reply(c, doc_new(text));
}

struct done call_form(struct call *c, json_t *form_take)
{
	reply_finish(c->reply);
	c->reply->kind = REPLY_FORM;
	c->reply->form = form_take;
	return end(END_FORM);
}

struct done call_nothing(struct call *c)
{
	reply_finish(c->reply);
	c->reply->kind = REPLY_NONE;
	return end(END_DONE);
}

struct done call_refuse_doc(struct call *c, const char *code, json_t *doc_take)
{
	reply_finish(c->reply);
	c->reply->kind = REPLY_REFUSAL;
	c->reply->code = code;
	c->reply->doc = doc_take;
	return end(END_REFUSED);
}

struct done call_refuse(struct call *c, const char *code, const char *fmt, ...)
{
	va_list ap;
	const char *text;
	json_t *doc;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	doc = doc_new(text);
	add_understood(c, doc);
	return call_refuse_doc(c, code, doc);
}

struct done call_refuse_arg(struct call *c, const char *arg, const char *fmt, ...)
{
	va_list ap;
	const char *text;
	struct done done;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	done = call_refuse_doc(c, "usage", doc_new(text));
	if (c->request->from_form) {
		c->reply->fields = json_object();
		json_object_set_new(c->reply->fields, arg, json_string(text));
	}
	return done;
}

struct done call_refused(struct call *c)
{
	(void)c; /* where assertions are left out */
	assert(c->reply->kind == REPLY_REFUSAL);
	return end(END_REFUSED);
}

struct done call_fail(struct call *c)
{
	reply_finish(c->reply);
	c->reply->kind = REPLY_REFUSAL;
	c->reply->code = "internal";
	c->reply->doc = doc_new("Something inside failed, so nothing was done. Try again; what "
				"went wrong is in the log.");
	return end(END_FAILED);
}
