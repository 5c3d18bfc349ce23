/*
 * Following incidents from outside (FEATURES E7): one, those of a service, or all of them. What is
 * told then is said once each in a direct message.
 */
#include <errno.h>

#include "commands/messages.h"
#include "commands/protected.h"
#include "commands/stakeholders.h"
#include "commands/verbs.h"
#include "store/relations.h"

/* What the words, or else the place, mean; NULL: nothing is named. */
static const char *topic_meant(struct call *c)
{
	const char *service = call_text(c, "service");

	if (call_flag(c, "all"))
		return TOPIC_ALL;
	if (service && *service)
		return topic_service(c, service);
	return c->has_incident ? topic_incident(c, c->incident.id) : NULL;
}

/* ---- looking ---- */

/* Of an incident that was protected since, nothing is shown to those who may not know of it. */
static int topics_shown(struct call *c, const char ***topics, size_t *n)
{
	size_t all, kept = 0;
	int rc = subscription_topics(c->store, c->arena, c->actor, topics, &all, &c->err);

	for (size_t i = 0; rc == 0 && i < all; i++) {
		struct incident inc;
		int64_t incident;

		topic_words(c, (*topics)[i], &incident);
		if (incident)
			rc = protected_load(c, incident, &inc, NULL);
		if (rc == 0)
			(*topics)[kept++] = (*topics)[i];
		else if (rc == -ENOENT)
			rc = 0;
	}
	*n = kept;
	return rc;
}

static struct done subscriptions_show(struct call *c)
{
	const char **topics;
	size_t n;
	json_t *doc;
	int64_t incident;

	if (topics_shown(c, &topics, &n) < 0)
		return call_fail(c);
	if (!n)
		return call_replyf(c,
			"You follow nothing. To hear of each update in a direct message: %s for one "
			"incident, %s for a service, %s for all.",
			message_usage(c, "/inc subscribe #42"),
			message_usage(c, "/inc subscribe --service checkout"),
			message_usage(c, "/inc subscribe --all"));
	doc = message_line(c, "You follow:");
	for (size_t i = 0; i < n; i++)
		doc_list_item(doc, topic_words(c, topics[i], &incident));
	for (size_t i = 0; i < n; i++)
		topic_end_button(c, doc,
			arena_printf(c->arena, "Unsubscribe from %s",
				topic_words(c, topics[i], &incident)),
			topics[i]);
	return call_reply(c, doc);
}

/* ---- changing ---- */

static int audit(struct call *c, const char *action, const char *topic)
{
	json_t *meta = json_pack("{s:s}", "topic", topic);
	int rc = record_audit(c, "person", 0, "info", action, json_text(c->arena, meta));

	json_decref(meta);
	return rc;
}

static struct done subscribe_run(struct call *c)
{
	const char *topic = topic_meant(c);
	int64_t incident;
	json_t *doc;
	int rc;

	if (!topic)
		return subscriptions_show(c);
	rc = subscription_add(c->store, c->actor, topic, c->now, &c->err);
	if (rc == -EEXIST)
		return call_replyf(c, "You follow %s already. What else you follow, outside of its channel: %s",
			topic_words(c, topic, &incident), message_usage(c, "/inc subscribe"));
	if (rc < 0 || audit(c, "subscription.added", topic) < 0)
		return call_fail(c);
	doc = message_line(c,
		"You follow %s now: each update, change of severity and resolution comes to you as a "
		"direct message. To stop: %s",
		topic_words(c, topic, &incident), topic_end_usage(c, topic));
	topic_end_button(c, doc, "Unsubscribe", topic);
	return call_reply(c, doc);
}

static struct done unsubscribe_run(struct call *c)
{
	const char *topic = topic_meant(c);
	int64_t incident;
	int rc;

	if (!topic)
		return subscriptions_show(c);
	rc = subscription_remove(c->store, c->actor, topic, &c->err);
	if (rc == -ENOENT)
		return call_refuse(c, "conflict",
			"You do not follow %s; nothing was changed. What you follow, outside of its "
			"channel: %s",
			topic_words(c, topic, &incident), message_usage(c, "/inc subscribe"));
	if (rc < 0 || audit(c, "subscription.removed", topic) < 0)
		return call_fail(c);
	return call_replyf(
		c, "You do not follow %s any more.", topic_words(c, topic, &incident));
}

static const struct op_alias aliases[] = {
	{ "follow", NULL, NULL },
	{ "subscriptions", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct op_alias end_aliases[] = {
	{ "unfollow", NULL, NULL },
	{ NULL, NULL, NULL },
};

static const struct arg_def args[] = {
	{ .name = "service",
		.type = ARG_WORD,
		.flags = ARG_OPTION,
		.label = "service",
		.help = "Every incident of this service",
		.max_bytes = 200 },
	{ .name = "all",
		.type = ARG_FLAG,
		.flags = ARG_OPTION,
		.label = "every incident",
		.help = "Every incident" },
	{ .name = NULL },
};

const struct operation op_subscribe = {
	.name = "subscribe",
	.aliases = aliases,
	.summary = "Follow an incident, a service or all by direct message; bare: what you follow",
	.example = "/inc subscribe --service checkout",
	.args = args,
	.need = NEED_NOTHING,
	.right = "incident.read",
	.run = subscribe_run,
};

const struct operation op_unsubscribe = {
	.name = "unsubscribe",
	.aliases = end_aliases,
	.summary = "Do not follow it any more",
	.example = "/inc unsubscribe #42",
	.args = args,
	.need = NEED_NOTHING,
	.right = "incident.read",
	.run = unsubscribe_run,
};
