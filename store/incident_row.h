#ifndef STORE_INCIDENT_ROW_H
#define STORE_INCIDENT_ROW_H
/* Inside of store/ only: the columns of an incident, and how a row becomes one. */
#include "incident/incident.h"
#include "store/record.h"

#define INCIDENT_FIELDS                                                                            \
	"title, severity, state, services, environment, source, reporter, customer_reported,"      \
	" is_private, drill, impact, tags, signal, health, not_verified, declared_at, impact_at,"  \
	" detected_at, acknowledged_at, mitigated_at, resolved_at, closed_at, state_at,"           \
	" cadence_ms, updated_at, updated_by, update_text, merged_into, facts, size_when_set,"      \
	" severity_at, overruled, engage_said"
#define INCIDENT_COLUMNS "id, " INCIDENT_FIELDS ", revision"
/* The states of state_active(); a test holds the two together. */
#define INCIDENT_ACTIVE                                                                            \
	"state IN ('triage', 'investigating', 'identified', 'mitigating', 'monitoring')"

/* May `person` see this row of incident? A protected one: whoever holds a role on it or was granted
 * access (whoever declared it was, until it is revoked). The ordinary ones are let through before anything is looked up. */
#define INCIDENT_VISIBLE(person)                                                                   \
	"(incident.is_private = 0"                                                                 \
	" OR EXISTS (SELECT 1 FROM role"                                                           \
	"  WHERE role.incident = incident.id AND role.person = " person ")"                        \
	" OR EXISTS (SELECT 1 FROM access"                                                         \
	"  WHERE access.incident = incident.id AND access.person = " person "))"

/* Of a row of incident, as ',shop,payments,': what service_pattern() is matched with. */
#define INCIDENT_SERVICES "',' || replace(incident.services, ', ', ',') || ','"

int incident_row(struct reader *r, void *row, struct error *err); /* a row_fn */

#endif
