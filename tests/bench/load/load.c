/*
 * Plays Slack for one bot and measures how it does: starts what stands after "--", waits for its
 * connection, sends slash commands, counts acks. The result is one line of JSON on stdout. Exit: 0
 * when every command was acked once and nothing else came, 1 when not, 2 when there is no result.
 *
 *	load --outstanding 64 --count 30000 -- sitrep run --config config --set store.path=/tmp/new.db
 *
 * No options: they are told. Closed loop: latency counts from when a command is sent. Open loop: from
 * when it was to be sent, so that a bot that stalls is charged with all that came meanwhile.
 * "own_…" in the result tell whether the generator itself was the bottleneck.
 */
#include "load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define END_SECONDS 20

static volatile sig_atomic_t told_to_end;

static void on_signal(int number)
{
	(void)number;
	told_to_end = 1;
}

static void run(struct load *l)
{
	while (l->phase != PHASE_DONE && !l->failed) {
		int64_t wake = schedule_step(l, wire_now());

		if (told_to_end)
			l->failed = "told to end";
		wire_turn(l->wire, wake);
	}
}

/* Answers what the bot still asks until it has ended, so that nothing it waits for holds it. */
static bool finish(struct load *l)
{
	int64_t end = wire_now() + END_SECONDS * SECOND_NS;

	if (l->bot.pid)
		kill(l->bot.pid, SIGTERM);
	while (wire_now() < end && !process_ended(&l->bot))
		wire_turn(l->wire, wire_now() + SECOND_NS / 100);
	return process_end(&l->bot, 0);
}

int main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));
	struct wire_events events;
	bool ended_well, clean;
	int code = 2;

	if (!l)
		abort();
	options_read(&l->o, argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	prctl(PR_SET_TIMERSLACK, 1);
	srand48(1);
	l->nonce = (uint32_t)(wire_now() / 1000) ^ (uint32_t)getpid() << 12;
	events = schedule_events(l);
	l->wire = wire_create(&(struct wire_options){ .receive_buffer = (int)l->o.receive_buffer,
				      .answer_after = (int64_t)(l->o.answer_after * (double)SECOND_NS) },
		&events);
	if (!l->wire || process_start(&l->bot, l->o.bot, wire_port(l->wire)) < 0) {
		fprintf(stderr, "load: cannot listen or start anything\n");
		return 2;
	}
	l->phase_at = wire_now();
	run(l);
	clean = report_clean(l);
	ended_well = finish(l);
	if (l->failed) {
		fprintf(stderr, "load: %s\n", l->failed);
	} else if (l->o.acked_file && report_acked(l) < 0) {
		fprintf(stderr, "load: %s cannot be written\n", l->o.acked_file);
	} else {
		report_print(l, ended_well);
		code = clean ? 0 : 1;
	}
	wire_destroy(l->wire);
	free(l->sent);
	free(l);
	return code;
}
