#ifndef ADAPTERS_CTL_LINE_H
#define ADAPTERS_CTL_LINE_H
/* The two kinds of line that go over the socket. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "incident/request.h"

#define CTL_ID_MAX     128
#define CTL_ANSWER_MAX ((size_t)4 << 20)

/* Who asked, to find them again: on the request's arena, as its handle. */
struct ctl_asker {
	unsigned slot;
	uint64_t connection; /* a number that is never used twice */
	bool json;
	const char *id; /* NULL: none given */
};

/* A line from the client, without its newline, to a request with a ctl_asker as handle (slot and
 * connection are the caller's to fill in); NULL with the reason in err. */
struct request *ctl_line_parse(
	const char *p, size_t n, uid_t uid, const char *name, struct error *err);

/* The answer, with its newline. */
void ctl_line_answer(struct str *out, const struct reply *reply, const struct ctl_asker *asker,
	const char *zone, int64_t now_ms);
void ctl_line_error(struct str *out, const char *code, const char *text);

#endif
