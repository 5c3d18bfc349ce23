#include "commands/stakeholders.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "commands/messages.h"
#include "incident/promise.h"
#include "store/relations.h"

#define PREFIX_INCIDENT "incident/"
#define PREFIX_SERVICE	"service/"

/* ---- topics ---- */

static const char *behind(const char *topic, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(topic, prefix, n) == 0 ? topic + n : NULL;
}

const char *topic_incident(struct call *c, int64_t incident)
{
	return arena_printf(c->arena, PREFIX_INCIDENT "%lld", (long long)incident);
}

const char *topic_service(struct call *c, const char *service)
{
	return text_lower(c->arena, arena_printf(c->arena, PREFIX_SERVICE "%s", service));
}

const char *topic_words(struct call *c, const char *topic, int64_t *incident)
{
	const char *number = behind(topic, PREFIX_INCIDENT);
	const char *service = behind(topic, PREFIX_SERVICE);

	*incident = number ? strtoll(number, NULL, 10) : 0;
	if (number)
		return words_id(c, *incident);
	if (service)
		return arena_printf(c->arena, "service %s", service);
	return strcmp(topic, TOPIC_ALL) == 0 ? "every incident" : NULL;
}

const char *topic_end_usage(struct call *c, const char *topic)
{
	const char *number = behind(topic, PREFIX_INCIDENT);
	const char *service = behind(topic, PREFIX_SERVICE);

	if (number)
		return message_usage(c, "/inc unsubscribe #%s", number);
	if (service)
		return message_usage(c, "/inc unsubscribe --service %s%s%s",
			strchr(service, ' ') ? "\"" : "", service, strchr(service, ' ') ? "\"" : "");
	return message_usage(c, "/inc unsubscribe --all");
}

void topic_end_button(struct call *c, json_t *doc, const char *label, const char *topic)
{
	const char *service = behind(topic, PREFIX_SERVICE);
	int64_t incident;
	json_t *args = NULL;

	topic_words(c, topic, &incident);
	if (service)
		args = json_pack("{s:s}", "service", service);
	else if (!incident)
		args = json_pack("{s:b}", "all", 1);
	doc_button(doc, label, "unsubscribe", incident, args, NULL);
}

/* ---- telling ---- */

static bool is_service_of(const struct call *c, const char *service)
{
	size_t n = strlen(service);

	for (const char *p = c->incident.services; p && *p; p += strcspn(p, ",")) {
		p += strspn(p, ", ");
		if (!strncasecmp(p, service, n) && strchr(", ", p[n]))
			return true;
	}
	return false;
}

/* Does the topic lead to c->incident? */
static bool leads_here(struct call *c, const char *topic)
{
	const char *service = behind(topic, PREFIX_SERVICE);

	if (service)
		return is_service_of(c, service);
	return !strcmp(topic, TOPIC_ALL) || !strcmp(topic, topic_incident(c, c->incident.id));
}

static int tell_person(struct call *c, const char *person, const json_t *doc)
{
	const char *topic = NULL, **topics;
	size_t n;
	int64_t incident;
	json_t *copy;
	int rc = subscription_topics(c->store, c->arena, person, &topics, &n, &c->err);

	if (rc < 0)
		return rc;
	/* Ordered by name: "all" and the incident come before services, so that what is named is
	 * what ends most. */
	for (size_t i = 0; i < n && !topic; i++)
		if (leads_here(c, topics[i]))
			topic = topics[i];
	copy = json_deep_copy(doc);
	if (topic) {
		doc_context(copy, arena_printf(c->arena, "You follow %s. To stop: %s",
					  topic_words(c, topic, &incident),
					  topic_end_usage(c, topic)));
		topic_end_button(c, copy, "Unsubscribe", topic);
	}
	return say_person(c, person, copy);
}

int stakeholders_tell(struct call *c, json_t *doc_take)
{
	const char **people;
	size_t n;
	int rc = subscription_people(c->store, c->arena, c->incident.id, c->incident.services,
		&people, &n, &c->err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (strcmp(people[i], c->actor) != 0)
			rc = tell_person(c, people[i], doc_take);
	json_decref(doc_take);
	return rc;
}

int stakeholders_tell_level(struct call *c, int old, const char *why)
{
	int64_t next = promise_due_at(c, PROMISE_UPDATE, NULL);
	json_t *doc = message_line(c, "%s %s is %s now, was %s%s", words_id(c, c->incident.id),
		message_short(c, c->incident.title, 140), words_severity(c, c->incident.severity),
		words_severity(c, old), message_because(c, why));

	if (next)
		doc_context(doc, arena_printf(c->arena, "Next update by %s", words_time(c, next)));
	return stakeholders_tell(c, doc);
}
