#ifndef STORE_INCIDENT_ROW_H
#define STORE_INCIDENT_ROW_H
/* Inside of store/ only: the columns of an incident, and how a row becomes one. */
#include "incident/incident.h"
#include "store/record.h"

#define INCIDENT_FIELDS                                                                            \
	"title, severity, state, services, environment, source, reporter, customer_reported,"      \
	" is_private, drill, impact, tags, signal, health, not_verified, declared_at, impact_at,"  \
	" detected_at, acknowledged_at, mitigated_at, resolved_at, closed_at, state_at,"           \
	" cadence_ms, updated_at, updated_by, update_text, merged_into"
#define INCIDENT_COLUMNS "id, " INCIDENT_FIELDS ", revision"
/* The states of state_active(); a test holds the two together. */
#define INCIDENT_ACTIVE                                                                            \
	"state IN ('triage', 'investigating', 'identified', 'mitigating', 'monitoring')"

int incident_row(struct reader *r, void *row, struct error *err); /* a row_fn */

#endif
