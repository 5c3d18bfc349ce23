#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H
/*
 * JSON text straight into a builder, with no values in between. Commas come by themselves: a builder
 * holds one value, or the members of one object whose braces somebody else puts around them.
 */
#include "base/json.h"
#include "base/str.h"

void json_put_begin(struct str *s, char bracket); /* '{' or '[' */
void json_put_end(struct str *s, char bracket);	  /* '}' or ']' */
void json_put_name(struct str *s, const char *name); /* of what is put next; our own, needs no escaping */
void json_put_string(struct str *s, const char *text);
void json_put_stringn(struct str *s, const char *p, size_t n); /* valid UTF-8 without NUL */
void json_put_integer(struct str *s, int64_t value);
void json_put_bool(struct str *s, bool value);
void json_put_value(struct str *s, const json_t *value);
void json_put_member(struct str *s, const char *name, const char *text); /* both */

#endif
