#ifndef COMMANDS_DIAGNOSING_H
#define COMMANDS_DIAGNOSING_H
/* An outside tool's finding about one resource (FEATURES B7), kept until somebody attaches it to an
 * incident or makes one of it. 0 or a negative errno with the reason in c->err. */
#include "commands/call.h"
#include "store/relations.h"

#define DIAGNOSIS_NAME_MAX 200 /* bytes */

/* "D3", "d3", "#D3", "3" → 3; 0 when it is none. */
int64_t diagnosis_number(const char *text);
/* As the actor may see it: -ENOENT also when it belongs to an incident that is not for them. */
int diagnosis_find(struct call *c, int64_t id, struct diagnosis *out);
/* "D3 pod checkout-7f: OOMKilled 12 times (kube-doctor)", markup with its link. */
const char *diagnosis_line(struct call *c, const struct diagnosis *d);
/* To c->incident, and on its timeline. Sets d->incident, of a protected one d->id too. */
int diagnosis_attach_here(struct call *c, struct diagnosis *d);
/* On the timeline of c->incident, once. */
int diagnosis_record(struct call *c, const struct diagnosis *d);
/* [Attach] [Promote] of one that is not attached. Pressed in the channel of an incident, it is meant;
 * elsewhere a form asks which. */
void diagnosis_buttons(json_t *doc, const char *label, const struct diagnosis *d);
/* http or https with a host, nothing that could break out of where it is written. */
bool diagnosis_url_valid(const char *url);

#endif
