#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/loader.h"

#define CONFIG_ARENA_MAX  (8u << 20)
/* Ten files of the largest size, as trees, and a report. */
#define SCRATCH_ARENA_MAX (64u << 20)

/* ---- files -------------------------------------------------------------------------------- */

static const char *const files[] = {
	"sitrep.yml", "severity.yml", "roles.yml", "reminders.yml", "escalation.yml", "rbac.yml",
	"messages.yml", "jira.yml", "followups.yml", "reviews.yml",
	"release_gate_policy.yml",
};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

/* Reads a whole file into the source. False: it is not there or (reported) cannot be used. */
static bool file_read(struct loader *l, int dir, struct source *s)
{
	struct stat st;
	int fd = openat(dir, s->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		if (errno != ENOENT)
			report_at(l->report, s, 0, 0, "cannot be read: %s", strerror(errno));
		return false;
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		report_at(l->report, s, 0, 0, "is not a file");
		close(fd);
		return false;
	}
	/* As large as a file may be, of which it takes what it has: an arena would fill all of that with zeros. */
	char *text = malloc(NODE_BYTES_MAX + 2);
	if (!text)
		abort();
	size_t len = 0;
	ssize_t n;
	do {
		n = read(fd, text + len, NODE_BYTES_MAX + 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	int code = n < 0 ? errno : 0;
	close(fd);
	if (code)
		report_at(l->report, s, 0, 0, "cannot be read: %s", strerror(code));
	else if (len > NODE_BYTES_MAX)
		report_at(l->report, s, 0, 0, "is larger than 256 KiB");
	s->text = memcpy(arena_alloc(l->scratch, len + 1), text, len);
	s->len = len;
	free(text);
	return !code && len <= NODE_BYTES_MAX;
}

/* Offset of the first byte that is no UTF-8, or a NUL; len when there is none. */
static size_t text_broken_at(const char *p, size_t len)
{
	size_t i = 0;

	if (text_valid(p, len))
		return len;
	while (i < len) {
		size_t n = 1;
		while (n <= 4 && i + n <= len && !text_valid(p + i, n))
			n++;
		if (n > 4 || i + n > len)
			return i;
		i += n;
	}
	return len;
}

/* The tree of a file; NULL when it says nothing or (reported) is broken. */
static struct node *file_parse(struct loader *l, struct source *s)
{
	struct node *root = NULL;

	if (s->len >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) {
		s->text += 3;
		s->len -= 3;
	}
	size_t broken = text_broken_at(s->text, s->len);
	if (broken < s->len) {
		report_offset(l->report, s, broken, "%s",
			s->text[broken] ? "not UTF-8 text" : "a NUL byte: not a text file");
		return NULL;
	}
	if (node_parse(l->scratch, s, l->report, &root))
		return NULL;
	if (root && root->kind != NODE_MAP && !node_empty(root)) {
		report_error(l->report, root, "a map of keys is needed here, not %s",
			node_kind_name(root));
		return NULL;
	}
	return root && root->kind == NODE_MAP ? root : NULL;
}

static bool known_file(const char *name)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (strcmp(name, files[i]) == 0)
			return true;
	return false;
}

/* A misspelt file would be silently without effect. */
static void dir_check(struct loader *l, int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		const char *meant = NULL;
		if (!dot || (strcmp(dot, ".yml") != 0 && strcmp(dot, ".yaml") != 0))
			continue;
		char *name = arena_printf(l->scratch, "%.*s.yml", (int)(dot - e->d_name), e->d_name);
		for (size_t i = 0; i < FILE_COUNT && !known_file(e->d_name); i++)
			if (text_distance(name, files[i]) <= 1)
				meant = files[i];
		if (!meant)
			continue;
		struct source *s = arena_alloc(l->scratch, sizeof(*s));
		*s = (struct source){ .order = 900,
			.name = report_quote(l->report, e->d_name, strlen(e->d_name)) };
		report_at(l->report, s, 0, 0, "this file is not read; did you mean %s?", meant);
	}
	closedir(d);
}

/* ---- one tree of all ---------------------------------------------------------------------- */

/* The keys of sitrep.yml are sections of the top; another file is one section. */
static void sections_add(struct loader *l, struct node *top, const char *file, struct node *root)
{
	for (const struct key *k = schema.keys; k->name; k++) {
		if (strcmp(k->file, file) != 0)
			continue;
		node_append(l->scratch, top, node_scalar(l->scratch, root->source, k->name));
		node_append(l->scratch, top, root);
	}
}

static void top_add(struct loader *l, struct node *top, struct node *root)
{
	for (size_t i = 0; i + 1 < root->count; i += 2) {
		const struct key *foreign = schema.keys;
		while (foreign->name && (strcmp(foreign->file, files[0]) == 0 ||
						!node_is(root->item[i], foreign->name)))
			foreign++;
		if (foreign->name) {
			report_error(l->report, root->item[i], "\"%s\" is said in %s",
				foreign->name, foreign->file);
			continue;
		}
		node_append(l->scratch, top, root->item[i]);
		node_append(l->scratch, top, root->item[i + 1]);
	}
}

static struct node *files_load(struct loader *l, int dir)
{
	struct node *top = node_new(l->scratch, &l->shipped, NODE_MAP);

	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct source *s = arena_alloc(l->scratch, sizeof(*s));
		*s = (struct source){ .name = files[i], .order = (int)i };
		struct node *root = file_read(l, dir, s) ? file_parse(l, s) : NULL;
		if (!root)
			continue;
		if (i == 0)
			top_add(l, top, root);
		else
			sections_add(l, top, files[i], root);
	}
	dir_check(l, dir);
	return top;
}

/* ---- loading ------------------------------------------------------------------------------ */

static struct config *config_new(void)
{
	struct arena *a = arena_create(CONFIG_ARENA_MAX);
	struct config *c = arena_alloc(a, sizeof(*c));

	c->arena = a;
	c->references = 1;
	for (int i = SEVERITY_WORST; i <= SEVERITY_LEAST; i++)
		c->severity.level[i].level = i;
	return c;
}

/* What is computed from what was said. */
static void config_finish(struct config *c)
{
	for (size_t i = 0; i < c->gate_said.fail_on_count; i++)
		c->gate.fail_on |= 1u << c->gate_said.fail_on[i];
	c->gate.window_ms = c->gate_said.window_days * DAY_MS;
}

int config_load(struct config **out, const char *dir, const struct config_override *set, size_t sets,
	bool check_only, struct str *report)
{
	struct report issues;
	struct loader l = { .check_only = check_only, .report = &issues };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*out = NULL;
	if (fd < 0) {
		int code = errno;
		str_addf(report, "%s: the config folder cannot be opened: %s\n", dir,
			strerror(code));
		return -code;
	}
	struct config *c = config_new();
	l.arena = c->arena;
	l.scratch = arena_create(SCRATCH_ARENA_MAX);
	l.shipped = (struct source){ .name = "shipped default", .order = 2000, .shipped = true };
	report_init(&issues, l.scratch);
	str_init_arena(&l.path, l.scratch, LOADER_PATH_MAX);

	l.dir = fd;
	struct node *given = files_load(&l, fd);
	loader_override(&l, given, set, sets);
	struct node *tree = loader_decode(&l, &schema, given, NULL, (char *)c);
	loader_template(&l, tree, c);
	loader_check(&l, tree, c);
	close(fd);
	config_finish(c);

	report_write(&issues, report);
	int rc = issues.errors ? -EINVAL : 0;
	arena_destroy(l.scratch);
	if (rc)
		config_release(c);
	else
		*out = c;
	return rc;
}

struct config *config_hold(struct config *c)
{
	__atomic_add_fetch(&c->references, 1, __ATOMIC_RELAXED);
	return c;
}

void config_release(struct config *c)
{
	if (c && __atomic_sub_fetch(&c->references, 1, __ATOMIC_ACQ_REL) == 0)
		arena_destroy(c->arena);
}
