/* The template of postmortems (reviews.yml): a Markdown file of the user's, read with the rest of the folder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/loader.h"
#include "incident/review.h"

#define TEMPLATE_BYTES_MAX (64u << 10)

/* 0 or errno. text: TEMPLATE_BYTES_MAX + 2 bytes, zeroed. */
static int template_read(int dir, const char *path, char *text, size_t *len)
{
	struct stat st;
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), code = 0;
	ssize_t n = -1;

	*len = 0;
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		code = EISDIR;
	while (!code && n) {
		n = read(fd, text + *len, TEMPLATE_BYTES_MAX + 1 - *len);
		if (n > 0)
			*len += (size_t)n;
		else if (n < 0 && errno != EINTR)
			code = errno;
	}
	close(fd);
	return code;
}

/* A variable that nobody knows would be printed as it stands, or vanish. */
static void template_check(struct loader *l, struct source *s)
{
	size_t len;
	const char *at = review_template_unknown(s->text, &len);

	if (at)
		report_offset(l->report, s, (size_t)(at - s->text),
			"%s stands for nothing; there are {{id}}, {{title}}, {{front}}, {{state}}, {{version}}, and the "
			"sections: {{summary}}, {{impact}}, {{timeline}}, {{factors}}, {{whys}}, {{detection}}, "
			"{{defences}}, {{well}}, {{poorly}}, {{actions}}, {{lessons}}",
			report_quote(l->report, at, len));
}

void loader_template(struct loader *l, const struct node *tree, struct config *c)
{
	const struct node *at = node_get(node_get(node_get(tree, "reviews"), "review"), "template");
	struct source *s = arena_alloc(l->scratch, sizeof(*s));
	char *text;
	size_t len;
	int code;

	if (!c->review.template_path || !*c->review.template_path || !at)
		return;
	text = arena_alloc(l->scratch, TEMPLATE_BYTES_MAX + 2);
	code = template_read(l->dir, c->review.template_path, text, &len);
	if (code || len > TEMPLATE_BYTES_MAX || !text_valid(text, len)) {
		report_error(l->report, at, "reviews.review.template: %s %s",
			report_quote(l->report, c->review.template_path, strlen(c->review.template_path)),
			code == EISDIR ? "is not a file" :
			code ? arena_printf(l->scratch, "cannot be read: %s", strerror(code)) :
			len > TEMPLATE_BYTES_MAX ? "is larger than 64 KiB" : "is not UTF-8 text");
		return;
	}
	*s = (struct source){ .name = c->review.template_path, .order = 100, .text = text, .len = len };
	template_check(l, s);
	c->review.template = arena_strdup(c->arena, text);
}
