#include "adapters/slack/slack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/slack/room.h"
#include "base/crash.h"
#include "base/json_write.h"
#include "base/log.h"

#define SELF_AGAIN_MS 30000

int64_t slack_now(struct slack *s)
{
	return clock_now(s->adapter.host->clock);
}

int slack_ack(
	struct slack *s, int64_t generation, const char *envelope_id, const struct str *payload)
{
	struct str STR_CLEANUP ack = { 0 };
	int rc = -EMSGSIZE;

	str_init(&ack, ACK_BYTES_MAX);
	str_expect(&ack, strlen(envelope_id) + 64 + (payload ? payload->len : 0));
	json_put_begin(&ack, '{');
	json_put_member(&ack, "envelope_id", envelope_id);
	if (payload) {
		json_put_name(&ack, "payload");
		str_addn(&ack, payload->p, payload->len);
	}
	json_put_end(&ack, '}');
	CRASH_POINT("before-ack");
	if (!ack.cut)
		rc = socket_mode_send(s->sockets, generation, ack.p, ack.len);
	CRASH_POINT("after-ack");
	return rc;
}

static void ack_with(struct slack *s, const struct envelope *e, int64_t generation, const char *json)
{
	struct str STR_CLEANUP payload = { 0 };

	str_init(&payload, ACK_BYTES_MAX);
	str_add(&payload, json);
	slack_ack(s, generation, e->envelope_id, json ? &payload : NULL);
}

/* ---- what comes from outside ------------------------------------------------------------- */

static void slack_submit(struct slack *s, int64_t generation, struct request *take)
{
	struct slack_handle *h = take->handle;

	h->generation = generation;
	take->adapter = s->adapter.index;
	if (!backlog_submit(&s->backlog, take))
		socket_mode_pause(s->sockets);
}

static void say_unknown(struct slack *s, const struct envelope *e)
{
	for (size_t i = 0; i < UNKNOWN_TYPES; i++) {
		if (strcmp(s->unknown_said[i], e->type) == 0)
			return;
		if (*s->unknown_said[i])
			continue;
		memcpy(s->unknown_said[i], e->type, sizeof(e->type));
		log_info(SLACK_AREA,
			"envelopes of type %s mean nothing here (%s); they are acknowledged",
			e->type, e->why);
		return;
	}
}

/* Whoever typed it should not be left with Slack's time-out: acked with words. */
static const char *bad_words(const struct envelope *e)
{
	if (!e->wants_words || strcmp(e->type, "slash_commands") != 0)
		return NULL;
	return "{\"response_type\":\"ephemeral\",\"text\":\"That command could not be read, so nothing "
	       "was done. Please type it again.\"}";
}

static void on_bad(struct slack *s, int64_t generation, const struct envelope *e)
{
	uint64_t n = ++s->bad_envelopes;

	if (!(n & (n - 1)))
		log_warn(SLACK_AREA, "an envelope (%s) cannot be used: %s (%llu so far)",
			*e->type ? e->type : "no type", e->why, (unsigned long long)n);
	if (*e->envelope_id)
		ack_with(s, e, generation, bad_words(e));
}

static void on_envelope(void *ctx, int64_t generation, struct envelope *e)
{
	struct slack *s = ctx;

	switch (e->kind) {
	case ENVELOPE_REQUEST:
		slack_submit(s, generation, e->request);
		return;
	case ENVELOPE_OPTIONS:
		ack_with(s, e, generation, "{\"options\":[]}");
		return;
	case ENVELOPE_UNKNOWN:
		say_unknown(s, e);
		break;
	case ENVELOPE_BAD:
		on_bad(s, generation, e);
		return;
	case ENVELOPE_IGNORED:
	case ENVELOPE_HELLO:
	case ENVELOPE_DISCONNECT:
		break;
	}
	if (*e->envelope_id)
		slack_ack(s, generation, e->envelope_id, NULL);
}

static int64_t socket_now(void *ctx)
{
	return slack_now(ctx);
}

/* ---- who we are -------------------------------------------------------------------------- */

static void self_ask(void *ctx);

static void on_self(struct web_call *call, const struct web_answer *answer)
{
	struct slack *s = call->ctx;

	if (s->stopping)
		return;
	if (answer->class != WEB_OK) {
		io_timer_start(s->self.again, SELF_AGAIN_MS);
		return;
	}
	free(s->self.user_id);
	free(s->self.team_url);
	s->self.user_id = slack_strdup(json_get_str(answer->body, "user_id"));
	s->self.team_url = slack_strdup(json_get_str(answer->body, "url"));
	log_info(SLACK_AREA, "works in %s as %s",
		s->self.team_url ? s->self.team_url : "an unnamed workspace",
		s->self.user_id ? s->self.user_id : "nobody");
}

static void self_ask(void *ctx)
{
	struct slack *s = ctx;
	struct error err;

	s->self.call = (struct web_call){ .method = "auth.test", .on_done = on_self, .ctx = s };
	if (web_start(s->web, &s->self.call, &err) < 0)
		log_error(SLACK_AREA, "nothing can be sent: %s", err.text);
}

/* ---- the adapter ------------------------------------------------------------------------- */

static int slack_start(struct adapter *a, struct error *err)
{
	struct slack *s = slack_of(a);
	struct web_options web = {
		.api_url = s->api_url,
		.app_token = s->app_token,
		.bot_token = s->bot_token,
		.ca_file = s->ca_file,
		.pacing = s->pacing,
	};
	struct socket_mode_options sockets = {
		.io = a->host->io,
		.ca_file = s->ca_file,
		.connections = s->connections,
		.now = socket_now,
		.on_envelope = on_envelope,
		.ctx = s,
	};

	(void)err; /* a Slack that is out of reach is no reason not to start: ctl works, effects
		      wait */
	s->web = web_create(a->host->io, &web);
	sockets.web = s->web;
	s->sockets = socket_mode_create(&sockets);
	s->self.again = io_timer_create(a->host->io, self_ask, s);
	socket_mode_start(s->sockets);
	self_ask(s);
	return 0;
}

static void slack_stop(struct adapter *a)
{
	struct slack *s = slack_of(a);

	if (s->stopping || !s->web)
		return;
	s->stopping = true;
	io_timer_destroy(s->self.again);
	s->self.again = NULL;
	socket_mode_stop(s->sockets);
	slack_answer_stop(s);
	slack_perform_stop(s);
	web_stop(s->web);
}

static void slack_resume(struct adapter *a)
{
	struct slack *s = slack_of(a);

	if (!s->stopping && backlog_waiting(&s->backlog) && backlog_flush(&s->backlog))
		socket_mode_resume(s->sockets);
}

static void slack_destroy(struct adapter *a)
{
	struct slack *s = slack_of(a);

	slack_answer_stop(s);
	slack_perform_stop(s);
	socket_mode_destroy(s->sockets);
	web_destroy(s->web);
	io_timer_destroy(s->self.again);
	backlog_finish(&s->backlog);
	slack_names_destroy(s->channels);
	slack_names_destroy(s->directs);
	free(s->missing);
	free(s->self.user_id);
	free(s->self.team_url);
	free(s->api_url);
	free(s->app_token);
	free(s->bot_token);
	free(s->ca_file);
	free(s);
}

bool slack_connected(const struct adapter *a)
{
	const struct slack *s = (const struct slack *)(const void *)a;

	return s->sockets && !s->stopping && socket_mode_ready(s->sockets);
}

struct adapter *slack_create(const struct config *config, const struct adapter_host *host)
{
	struct slack *s = slack_alloc(sizeof(*s));
	int64_t connections = config->slack.connections;

	s->adapter = (struct adapter){
		.name = "slack",
		.host = host,
		.start = slack_start,
		.stop = slack_stop,
		.answer = slack_answer,
		.perform = slack_perform,
		.resume = slack_resume,
		.destroy = slack_destroy,
	};
	s->api_url = slack_strdup(config->slack.api_url);
	s->app_token = slack_strdup(config->slack.app_token);
	s->bot_token = slack_strdup(config->slack.bot_token);
	s->ca_file = slack_strdup(config->slack.ca_file);
	s->pacing = config->slack.pacing;
	s->connections = connections < 1 ? 1 : connections > 4 ? 4 : (int)connections;
	s->channels = slack_names_create();
	s->directs = slack_names_create();
	backlog_init(&s->backlog, host);
	return &s->adapter;
}
