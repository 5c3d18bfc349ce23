#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/* Text as people and hostile peers write it: UTF-8 checks, cleaning, folding, nearness. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct str;

bool text_valid(const char *p, size_t n);            /* well-formed UTF-8 without NUL */
size_t text_chars(const char *s);                    /* code points of valid UTF-8 */
size_t text_cut(const char *s, size_t max_bytes);    /* longest prefix in bytes that ends at a character's edge */
/* The same for n bytes that were torn off a longer text: n, less an unfinished character at the end. */
size_t text_edge(const char *p, size_t n);
/* Bytes of the well-formed character at p, of at most n bytes; 0 when there is none. *cp: its code point. */
size_t text_decode(const char *p, size_t n, uint32_t *cp);

/* A copy without control characters: C0 and C1, DEL, bidi overrides and zero-width marks go;
 * CR LF and CR become \n, which stays only if keep_newlines, otherwise becomes a space. Runs of
 * blanks are kept, both ends are trimmed. Invalid bytes become U+FFFD. Capped at max_bytes. */
char *text_clean(struct arena *a, const char *p, size_t n, size_t max_bytes, bool keep_newlines);

bool text_equal_fold(const char *a, const char *b);              /* ASCII case ignored */
bool text_prefix_fold(const char *prefix, const char *s);
/* The place of name in a list of names, ASCII case ignored; empty ones match nothing. False: not there. */
bool text_index(const char *const *names, size_t count, const char *name, int *out);
char *text_lower(struct arena *a, const char *s);                /* ASCII only */
const char *text_find_fold(const char *haystack, const char *needle); /* NULL when absent */

/* Edits (insert, delete, replace, swap) between two short words, ASCII case ignored; at most 64 bytes are looked at. */
unsigned text_distance(const char *a, const char *b);

/* Lower case a-z 0-9 and single dashes, for channel names: "Checkout is failing!" → "checkout-is-failing". */
void text_slug(struct str *out, const char *s, size_t max_bytes);

/* Text of n bytes that HTML and XML show as it is, in attributes too. */
void text_html(struct str *out, const char *p, size_t n);

/* Text that a Markdown reader shows as it was typed, on one line. */
void text_markdown(struct str *out, const char *text);

/* Signs of several bytes, as a list: dashes, quotes, bullets. */
struct text_set {
	const char *const *sign;
	size_t count;
};
#define TEXT_SET(list) ((struct text_set){ list, sizeof(list) / sizeof(*(list)) })
/* The length of the sign that begins at p, resp. that ends there; 0 when there is none. */
size_t text_sign_at(const char *p, struct text_set set);
size_t text_sign_before(const char *start, const char *p, struct text_set set);
/* Behind all signs that begin at p, resp. before all that end there. */
const char *text_skip(const char *p, struct text_set set);
const char *text_skip_back(const char *start, const char *p, struct text_set set);

#endif
