#include "store/terms.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE	   UINT32_MAX
#define BLOCK_SIZE 12u
#define STEP_MAX   5u /* bytes of one entry */
#define POOL_MAX   (UINT32_MAX / 2)
#define SLOTS_FIRST 1024u /* a power of two, as every size after it */

/* Kinds begin with a sign that no word can have in it, so no part of a word is found across two terms. */
static const char sign[] = { [TERM_WORD] = ' ', [TERM_PERSON] = ',', [TERM_ENVIRONMENT] = '\t', [TERM_SOURCE] = '\n' };

/* Places of incidents, each as its distance from the one before: mostly one byte. 0 = no more in this block. */
struct block {
	uint32_t next; /* NONE: the last */
	uint8_t step[BLOCK_SIZE];
};

struct list {
	uint32_t first, last; /* block; NONE: empty */
	uint32_t place;       /* the last one put in */
};

struct term {
	uint32_t text; /* in the pool: sign, text, NUL */
	struct list list;
};

/* An open-addressed table of what is numbered elsewhere. */
struct table {
	struct slot {
		uint32_t hash; /* half of it */
		uint32_t n;    /* the number and 1; 0 = free */
	} *slot;
	size_t slots, used;
};

struct terms {
	uint64_t seed;
	char *pool;
	size_t pool_len, pool_size;
	struct term *term;
	size_t count, size;
	struct block *block;
	size_t blocks, blocks_size;
	struct incident_place {
		int64_t id;
		uint64_t hash;
	} *place;
	size_t places, places_size;
	struct list any;
	struct table by_text, by_id;
};

struct terms_query {
	const struct terms *t;
	size_t words;          /* of 64 places */
	uint64_t *all, *these; /* these: of the term at hand */
};

/* ---- memory: small things of our own, whose lack ends the process ----------------------------- */

/* Room for n of them, half as much again each time: a long record's must not be held twice over. */
static void *grown(void *p, size_t *size, size_t n, size_t each)
{
	if (n <= *size)
		return p;
	*size = n + *size / 2 + 64;
	p = reallocarray(p, *size, each);
	if (!p)
		abort();
	return p;
}

static void *zeroed(size_t n, size_t each)
{
	void *p = calloc(n, each);

	if (!p)
		abort();
	return p;
}

/* ---- tables ------------------------------------------------------------------------------------- */

static void table_init(struct table *h, size_t slots)
{
	h->slots = slots;
	h->used = 0;
	h->slot = zeroed(slots, sizeof(*h->slot));
}

static void slot_put(struct table *h, struct slot new)
{
	size_t i = new.hash & (h->slots - 1);

	while (h->slot[i].n)
		i = (i + 1) & (h->slots - 1);
	h->slot[i] = new;
	h->used++;
}

/* Three quarters full it gets twice as large. */
static void table_put(struct table *h, uint64_t hash, uint32_t n)
{
	struct table old = *h;

	if (h->used >= h->slots / 4 * 3) {
		table_init(h, old.slots * 2);
		for (size_t i = 0; i < old.slots; i++)
			if (old.slot[i].n)
				slot_put(h, old.slot[i]);
		free(old.slot);
	}
	slot_put(h, (struct slot){ .hash = (uint32_t)hash, .n = n + 1 });
}

/* The next number that may have this hash, NONE when there is none; *at is the hash at first. */
static uint32_t table_next(const struct table *h, uint64_t hash, size_t *at)
{
	for (;;) {
		const struct slot *slot = &h->slot[(*at)++ & (h->slots - 1)];

		if (!slot->n)
			return NONE;
		if (slot->hash == (uint32_t)hash)
			return slot->n - 1;
	}
}

static size_t term_size(const struct terms *t, uint32_t n)
{
	size_t end = n + 1 < t->count ? t->term[n + 1].text : t->pool_len;

	return end - t->term[n].text - 1;
}

/* The number of the term of these bytes, sign and all. */
static uint32_t term_find(const struct terms *t, uint64_t hash, const char *p, size_t n)
{
	size_t at = (uint32_t)hash;
	uint32_t found;

	while ((found = table_next(&t->by_text, hash, &at)) != NONE)
		if (term_size(t, found) == n && memcmp(t->pool + t->term[found].text, p, n) == 0)
			break;
	return found;
}

static uint32_t place_of(struct terms *t, int64_t id)
{
	uint64_t hash = hash_bytes(t->seed, &id, sizeof(id));
	size_t at = (uint32_t)hash;
	uint32_t n;

	while ((n = table_next(&t->by_id, hash, &at)) != NONE)
		if (t->place[n].id == id)
			return n;
	t->place = grown(t->place, &t->places_size, t->places + 1, sizeof(*t->place));
	n = (uint32_t)t->places++;
	t->place[n] = (struct incident_place){ .id = id };
	table_put(&t->by_id, hash, n);
	return n;
}

/* ---- lists ---------------------------------------------------------------------------------------- */

static const struct list empty = { .first = NONE, .last = NONE };

static struct block *block_add(struct terms *t, struct list *l)
{
	t->block = grown(t->block, &t->blocks_size, t->blocks + 1, sizeof(*t->block));
	uint32_t n = (uint32_t)t->blocks++;
	t->block[n] = (struct block){ .next = NONE };
	if (l->last == NONE)
		l->first = n;
	else
		t->block[l->last].next = n;
	l->last = n;
	return &t->block[n];
}

/* Steps go up and down, never nowhere: k up is 2k, k down is 2k - 1. */
static size_t step_write(uint8_t *out, uint32_t from, uint32_t to)
{
	int64_t way = (int64_t)to - from;
	uint64_t step = way > 0 ? (uint64_t)way * 2 : (uint64_t)-way * 2 - 1;
	size_t n = 0;

	for (; step >= 0x80; step >>= 7)
		out[n++] = (uint8_t)(step | 0x80);
	out[n++] = (uint8_t)step;
	return n;
}

/* Places are counted from 1 here, so that the first is a step too. */
static void list_add(struct terms *t, struct list *l, uint32_t place)
{
	uint8_t step[STEP_MAX];
	size_t used = 0;

	place++;
	if (l->place == place)
		return;
	size_t n = step_write(step, l->place, place);
	struct block *b = l->last == NONE ? block_add(t, l) : &t->block[l->last];
	while (used < BLOCK_SIZE && b->step[used])
		used++;
	if (used + n > BLOCK_SIZE) {
		b = block_add(t, l);
		used = 0;
	}
	memcpy(b->step + used, step, n);
	l->place = place;
}

static void list_mark(const struct terms *t, const struct list *l, uint64_t *set)
{
	int64_t place = -1; /* counted from 0 again */

	for (uint32_t n = l->first; n != NONE; n = t->block[n].next) {
		const uint8_t *p = t->block[n].step, *end = p + BLOCK_SIZE;

		while (p < end && *p) {
			uint64_t step = *p & 0x7f;

			for (unsigned shift = 7; *p++ & 0x80; shift += 7)
				step |= (uint64_t)(*p & 0x7f) << shift;
			place += step & 1 ? -(int64_t)(step / 2) - 1 : (int64_t)(step / 2);
			set[place / 64] |= UINT64_C(1) << (place % 64);
		}
	}
}

/* ---- adding --------------------------------------------------------------------------------------- */

struct terms *terms_create(void)
{
	struct terms *t = zeroed(1, sizeof(*t));

	t->seed = hash_seed();
	t->pool = grown(NULL, &t->pool_size, 1, 1);
	t->any = empty;
	table_init(&t->by_text, SLOTS_FIRST);
	table_init(&t->by_id, SLOTS_FIRST);
	return t;
}

void terms_destroy(struct terms *t)
{
	if (!t)
		return;
	free(t->by_text.slot);
	free(t->by_id.slot);
	free(t->place);
	free(t->block);
	free(t->term);
	free(t->pool);
	free(t);
}

bool terms_news(struct terms *t, int64_t id, uint64_t hash)
{
	uint32_t place = place_of(t, id);
	bool news = t->place[place].hash != hash;

	t->place[place].hash = hash;
	return news;
}

void terms_add_any(struct terms *t, int64_t id)
{
	list_add(t, &t->any, place_of(t, id));
}

static char folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t term_write(char *out, enum term_kind kind, const char *text, size_t n)
{
	out[0] = sign[kind];
	for (size_t i = 0; i < n; i++)
		out[1 + i] = kind == TERM_WORD ? folded(text[i]) : text[i];
	out[1 + n] = '\0';
	return 1 + n;
}

/* It is written behind the pool first, and stays there if it is new. */
static void add(struct terms *t, uint32_t place, enum term_kind kind, const char *text, size_t n)
{
	if (n > POOL_MAX - t->pool_len) {
		list_add(t, &t->any, place);
		return;
	}
	t->pool = grown(t->pool, &t->pool_size, t->pool_len + n + 2, 1);
	char *new = t->pool + t->pool_len;
	size_t size = term_write(new, kind, text, n);
	uint64_t hash = hash_bytes(t->seed, new, size);
	uint32_t found = term_find(t, hash, new, size);
	if (found == NONE) {
		t->term = grown(t->term, &t->size, t->count + 1, sizeof(*t->term));
		found = (uint32_t)t->count++;
		t->term[found] = (struct term){ .text = (uint32_t)t->pool_len, .list = empty };
		t->pool_len += size + 1;
		table_put(&t->by_text, hash, found);
	}
	list_add(t, &t->term[found].list, place);
}

void terms_add(struct terms *t, int64_t id, enum term_kind kind, const char *text)
{
	if (text)
		add(t, place_of(t, id), kind, text, strlen(text));
}

void terms_add_words(struct terms *t, int64_t id, const char *text)
{
	uint32_t place = place_of(t, id);

	for (const char *p = text; p && *(p += strspn(p, TERM_BLANKS));) {
		size_t n = strcspn(p, TERM_BLANKS);

		add(t, place, TERM_WORD, p, n);
		p += n;
	}
}

/* ---- asking --------------------------------------------------------------------------------------- */

struct terms_query *terms_ask(const struct terms *t)
{
	struct terms_query *q = zeroed(1, sizeof(*q));

	q->t = t;
	q->words = t->places / 64 + 1;
	q->all = zeroed(q->words, sizeof(*q->all));
	q->these = zeroed(q->words, sizeof(*q->these));
	for (size_t i = 0; i < t->places; i++)
		q->all[i / 64] |= UINT64_C(1) << (i % 64);
	return q;
}

void terms_query_destroy(struct terms_query *q)
{
	if (!q)
		return;
	free(q->all);
	free(q->these);
	free(q);
}

static void these_begin(struct terms_query *q)
{
	memset(q->these, 0, q->words * sizeof(*q->these));
	list_mark(q->t, &q->t->any, q->these);
}

static void these_end(struct terms_query *q)
{
	for (size_t i = 0; i < q->words; i++)
		q->all[i] &= q->these[i];
}

void terms_ask_term(struct terms_query *q, enum term_kind kind, const char *text, size_t n)
{
	const struct terms *t = q->t;
	char *key = zeroed(n + 2, 1);
	size_t size = term_write(key, kind, text, n);
	uint32_t found = term_find(t, hash_bytes(t->seed, key, size), key, size);

	these_begin(q);
	if (found != NONE)
		list_mark(t, &t->term[found].list, q->these);
	these_end(q);
	free(key);
}

/* Which term lies at this place of the pool? They lie there in their order. */
static uint32_t term_at(const struct terms *t, size_t at, uint32_t low)
{
	uint32_t high = (uint32_t)t->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (t->term[middle].text <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void terms_ask_part(struct terms_query *q, const char *text, size_t n)
{
	const struct terms *t = q->t;
	const char *part, *p = t->pool, *end = p + t->pool_len;
	char *key = zeroed(n + 2, 1);
	uint32_t at = 0;

	term_write(key, TERM_WORD, text, n);
	these_begin(q);
	while (p < end && (part = memmem(p, (size_t)(end - p), key + 1, n))) {
		at = term_at(t, (size_t)(part - t->pool), at);
		const char *term = t->pool + t->term[at].text;

		if (*term == sign[TERM_WORD])
			list_mark(t, &t->term[at].list, q->these);
		p = term + term_size(t, at) + 1;
	}
	these_end(q);
	free(key);
}

size_t terms_answer(const struct terms_query *q, int64_t *ids, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < q->words; i++)
		for (uint64_t left = q->all[i]; left; left &= left - 1, count++)
			if (count < max)
				ids[count] = q->t->place[i * 64 + (size_t)__builtin_ctzll(left)].id;
	return count;
}
