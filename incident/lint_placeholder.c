/* What nobody has written yet (FEATURES I3). */
#include <string.h>

#include "incident/lint_room.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

#define OWED                                                                                       \
	"determined|done|written|completed|confirmed|defined|filled|added|decided|announced|"      \
	"documented|supplied|provided|discussed"

/* Each begins behind a comma, colon or full stop; "the TODO list" is about a list. */
static const char *const phrases[] = {
	"todo|tbd|tbc|tba|fixme|xxx|xxxx|placeholder .",
	"todo|fixme to|add|write|fill|ask|check|describe|insert",
	"not applicable .",
	"still|is|are to be determined|confirmed|written|defined|completed|decided|done .",
	"to be " OWED,
	"tbd|tbc|tba by|with|after|when|in|on",
	"coming soon .",
	"fill in|out|me|this",
	"fill in later .",
	"will be filled|added|written|completed|provided in|later",
	"details|more|figures|numbers|text to follow .",
	"not yet written|known|filled|documented|described .",
	"lorem ipsum",
	"nothing yet .",
	"none yet .",
	"insert * here .",
	"your text here .",
	"text goes here .",
	"describe|add|write * here .",
	"as above .",
};

/* "n/a" comes as two words. */
static bool is_not_applicable(const struct word *w, size_t n, size_t i)
{
	return i + 1 < n && word_is(&w[i], "n") && word_is(&w[i + 1], "a") &&
	       w[i + 1].p == w[i].p + 2 && w[i].p[1] == '/' &&
	       (i == 0 || w[i].before >= EDGE_COLON) &&
	       (i + 2 == n || w[i + 2].before >= EDGE_COLON);
}

/* "… is still TBD": in capitals it is meant, unless it names something. */
static bool is_left_open(const struct word *w, size_t n, size_t i)
{
	return (i + 1 == n || w[i + 1].before >= EDGE_COLON) && w[i].len == 3 &&
	       (memcmp(w[i].p, "TBD", 3) == 0 || memcmp(w[i].p, "TBC", 3) == 0);
}

bool lint_placeholder_in(const struct word *w, size_t n, struct lint_hit *out)
{
	for (size_t i = 0; i < n; i++) {
		out->at = i;
		out->len = is_not_applicable(w, n, i) ? 2 : is_left_open(w, n, i) ? 1 : 0;
		for (size_t p = 0; p < COUNT(phrases) && !out->len; p++)
			if (i == 0 || w[i].before >= EDGE_COLON)
				out->len = lint_match(w, n, i, phrases[p]);
		if (out->len)
			return true;
	}
	return false;
}
