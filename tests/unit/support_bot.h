#ifndef TESTS_SUPPORT_BOT_H
#define TESTS_SUPPORT_BOT_H
/*
 * The whole core with a clock that tests turn, a store in a folder of its own, and a chat that is a
 * list of what was asked of it. Effects are delivered at once unless told otherwise.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bot/core.h"

#define PERFORMED_MAX 8192

struct performed {
	int64_t at;
	int64_t incident;
	enum effect_kind kind;
	int attempt;
	bool verify;
	char op_id[32];
	char *text; /* of the document: its plain fallback; else the payload */
	char *full; /* the whole payload */
	char where[96]; /* channel or person it goes to; of an edit: where the message stands */
};

struct test_bot {
	struct core *core;
	struct config *config;
	struct clock clock;
	char folder[64];
	/* What the chat was asked to do, oldest first. */
	struct performed performed[PERFORMED_MAX];
	size_t performed_count;
	/* How it answers: the outcome of everything, or silence (nothing comes back). */
	enum outcome outcome;
	bool silent;
	int64_t retry_after_ms;
	/* The last answer to a request. */
	char *answer;
	char *answer_full; /* document, form and fields as JSON */
	enum reply_kind answer_kind;
	char answer_code[32];
	size_t answers;
	size_t answer_room; /* most bytes of a request's arena when it was answered */
	size_t rooms;
	int next_key;
	struct request *outcomes[256];
	size_t outcome_count;
	/* Takes over what is for another system than the chat; NULL: that is delivered like the rest. */
	void (*elsewhere)(void *ctx, struct effect *take);
	void *elsewhere_ctx;
	/* Sees every answer, also those of one batch; NULL: nobody does. */
	void (*answered)(void *ctx, const struct answer *a);
	void *answered_ctx;
};

#define BOT_START INT64_C(1772359200000) /* 2026-03-01 10:00 UTC */

void bot_setup(struct test_bot *b);       /* shipped policies, at BOT_START */
void bot_teardown(struct test_bot *b);
/* The same for cmocka, which gets one of its own in *state. */
int bot_begin(void **state);
int bot_end(void **state);
void bot_restart(struct test_bot *b, int64_t away_ms); /* as after a crash: nothing is said goodbye to */

/* Types the line as slack:UALICE in #general (or of the given incident's channel) and settles. */
const char *bot_type(struct test_bot *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct request *bot_request(struct test_bot *b, const char *words);
/* Into the core, which does not turn yet: a bot_request; one with this key only, so that it can come
 * again; the outcomes of what was performed. */
void bot_submit(struct test_bot *b, const char *words);
void bot_deliver(struct test_bot *b, const char *words, const char *prefix, const char *key);
void bot_submit_outcomes(struct test_bot *b);
/* Turns until nothing is left to do now. */
void bot_settle(struct test_bot *b);
/* Lets that much time pass, waking whenever the core wants to. Returns how many turns it took. */
size_t bot_pass(struct test_bot *b, int64_t ms);

/* How many messages that contain the text were posted since index `from`. */
size_t bot_count(const struct test_bot *b, size_t from, const char *text);
const struct performed *bot_find(const struct test_bot *b, size_t from, const char *text); /* NULL when none */
size_t bot_kinds(const struct test_bot *b, enum effect_kind kind); /* performed of that kind */
void bot_forget(struct test_bot *b); /* what was performed so far */
int64_t bot_number(struct test_bot *b, const char *sql); /* one integer from the record */
char *bot_text(struct test_bot *b, const char *sql); /* one text, the caller's; "" for NULL */

#endif
