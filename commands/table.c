/* The operation table: every operation there is, in the order of help. */
#include "commands/verbs.h"

#include <string.h>

const struct operation *const operations[] = {
	&op_declare,
	&op_update,
	&op_severity,
	&op_state,
	&op_title,
	&op_classify,
	&op_impact,
	&op_scope,
	&op_note,
	&op_role,
	&op_solo,
	&op_checkpoint,
	&op_handover,
	&op_accept,
	&op_decline,
	&op_strategy,
	&op_escalate,
	&op_acknowledge,
	&op_customer,
	&op_subscribe,
	&op_unsubscribe,
	&op_resolve,
	&op_close,
	&op_reopen,
	&op_cancel,
	&op_cadence,
	&op_snooze,
	&op_merge,
	&op_unmerge,
	&op_link,
	&op_unlink,
	&op_settle,
	&op_diagnosis,
	&op_diagnoses,
	&op_attach,
	&op_promote,
	&op_followup,
	&op_followups,
	&op_release_check,
	&op_cause,
	&op_protect,
	&op_grant,
	&op_revoke,
	&op_access,
	&op_list,
	&op_show,
	&op_timeline,
	&op_check,
	&op_export,
	&op_metrics,
	&op_preview,
	&op_sync,
	&op_whoami,
	&op_help,

	&op_promise_due,
	&op_handover_expire,
	&op_chair_due,
	&op_escalation_look,
	&op_followup_due,
	&op_tool_append,
	&op_tool_summary,
	&op_effect_outcome,
	&op_issue_hint,
	&op_issue_poll,
	&op_reaction_added,
	&op_home_opened,
	&op_housekeeping,
	NULL,
};

const struct operation *operation_by_name(const char *name)
{
	for (size_t i = 0; name && operations[i]; i++)
		if (!strcmp(operations[i]->name, name))
			return operations[i];
	return NULL;
}
