#ifndef BASE_JSON_H
#define BASE_JSON_H
/* jansson with the caps that hostile input needs, and short getters that never fail loudly. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct arena;

#define JSON_DEPTH_MAX 64
#define JSON_CLEANUP   __attribute__((cleanup(json_cleanup)))

/* Parses one document: duplicate keys, invalid UTF-8, NUL characters in strings, more than max_bytes or deeper than
 * JSON_DEPTH_MAX are refused (-EINVAL, -EMSGSIZE), with line and column in err. New reference in *out. */
int json_parse(const char *p, size_t n, size_t max_bytes, json_t **out, struct error *err);

/* Borrowed; NULL when obj is no object, the key is absent or of another type. */
const char *json_get_str(const json_t *obj, const char *key);
json_t *json_get_obj(const json_t *obj, const char *key);
json_t *json_get_arr(const json_t *obj, const char *key);
int64_t json_get_int(const json_t *obj, const char *key, int64_t otherwise);
bool json_get_bool(const json_t *obj, const char *key, bool otherwise);
/* Follows "a.b.c" through objects and, by decimal index, arrays. Borrowed, NULL when absent. */
json_t *json_at(json_t *root, const char *path);

/* Compact text on the arena. Aborts only without memory. */
char *json_text(struct arena *a, const json_t *value);
/* The same on the heap: the caller frees. */
char *json_text_new(const json_t *value);
/* The same into a builder; what does not fit is cut as any text. */
struct str;
void json_add(struct str *out, const json_t *value);
void json_cleanup(json_t **value);

#endif
