#include "adapters/slack/scopes.h"
#include "adapters/slack/slack.h"

const struct slack_scope slack_scopes[] = {
	{ "commands", true, "nobody can type /inc" },
	{ "chat:write", true, "nothing can be posted" },
	{ "channels:manage", true, "no channel can be opened for an incident" },
	{ "channels:read", true, "the announcement channel cannot be found by its name" },
	{ "channels:history", false,
		"a post whose answer was lost cannot be looked up and may come twice; pinned "
		"messages do not reach the timeline" },
	{ "channels:join", false, "I have to be invited to the announcement channel by hand" },
	{ "channels:write.topic", false, "the channel's topic does not show severity and state" },
	{ "groups:read", false, "private channels cannot be found by name" },
	{ "groups:write", false, "no private channel can be opened for a private incident" },
	{ "groups:history", false, "pins in private channels do not reach the timeline" },
	{ "im:write", false, "nobody can be reminded privately" },
	{ "im:history", false, "a private reminder whose answer was lost may come twice" },
	{ "files:write", false, "exports do not come as files; the shell still has them" },
	{ "pins:write", false, "the live card is not pinned" },
	{ "bookmarks:read", false, "a bookmark whose answer was lost may come twice" },
	{ "bookmarks:write", false, "the channel has no bookmark of the card" },
	{ "reactions:read", false, "the pushpin reaction puts nothing on the timeline" },
	{ "users:read", false,
		"people's time zones are not known; times are said in the configured zone" },
};
const size_t slack_scope_count = sizeof(slack_scopes) / sizeof(*slack_scopes);

static const char manifest_head[] =
	"# Paste this where Slack apps are made: https://api.slack.com/apps → Create New App → "
	"From a manifest.\n"
	"# Then: Basic Information → App-Level Tokens → a token with connections:write is "
	"SLACK_APP_TOKEN (xapp-…);\n"
	"# Install App → Bot User OAuth Token is SLACK_BOT_TOKEN (xoxb-…).\n"
	"display_information:\n"
	"  name: sitrep\n"
	"  description: \"Runs incidents: declares, reminds, records\"\n"
	"  background_color: \"#7a1f1f\"\n"
	"features:\n"
	"  app_home:\n"
	"    home_tab_enabled: true\n"
	"    messages_tab_enabled: true\n"
	"    messages_tab_read_only_enabled: true\n"
	"  bot_user:\n"
	"    display_name: sitrep\n"
	"    always_online: true\n"
	"  shortcuts:\n"
	"    - name: Declare an incident\n"
	"      type: global\n"
	"      callback_id: declare\n"
	"      description: Opens the form for a new incident\n"
	"    - name: Add to timeline\n"
	"      type: message\n"
	"      callback_id: timeline_add\n"
	"      description: \"Puts this message on the incident's timeline\"\n"
	"    - name: Declare an incident\n"
	"      type: message\n"
	"      callback_id: declare_message\n"
	"      description: Opens the form for a new incident out of this message\n"
	"  slash_commands:\n";

static const char manifest_tail[] = "settings:\n"
				    "  event_subscriptions:\n"
				    "    bot_events:\n"
				    "      - app_home_opened\n"
				    "      - reaction_added\n"
				    "  interactivity:\n"
				    "    is_enabled: true\n"
				    "  org_deploy_enabled: false\n"
				    "  socket_mode_enabled: true\n"
				    "  token_rotation_enabled: false\n";

static void manifest_command(struct str *out, const char *name)
{
	str_addf(out,
		"    - command: %s\n"
		"      description: Declare and run an incident\n"
		"      usage_hint: \"declare sev2 checkout is failing · update … · resolve … · "
		"help\"\n"
		"      should_escape: true\n",
		name);
}

void slack_manifest(struct str *out)
{
	str_add(out, manifest_head);
	manifest_command(out, "/inc");
	manifest_command(out, "/incident");
	str_add(out, "oauth_config:\n  scopes:\n    bot:\n");
	for (size_t i = 0; i < slack_scope_count; i++)
		str_addf(out, "      - %s\n", slack_scopes[i].name);
	str_add(out, manifest_tail);
}
