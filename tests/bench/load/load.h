#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
/* One run: what was asked for (options.c), what happens when (schedule.c), what came of it (report.c). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "process.h"
#include "slack.h"
#include "wire.h"

#define COMMANDS_MAX 16
#define CALLS_MAX    64
#define SAMPLES_MAX  128
#define COUNT_MAX    20000000

struct options {
	const char *label;
	const char *command[COMMANDS_MAX]; /* take turns */
	size_t commands;
	double seconds;	    /* of the measured part; 0: until count */
	long count;	    /* measured commands; 0: until seconds */
	long warm_up;	    /* commands before it */
	long outstanding;   /* closed loop; of an open one: while it warms up */
	double rate;	    /* a second; 0: closed loop */
	bool poisson;
	long links;	    /* to wait for */
	double idle;	    /* seconds */
	double refresh;	    /* so many seconds between two; 0: none */
	double close_after; /* seconds from "disconnect" to the close */
	double give_up;	    /* seconds without any ack */
	double connect;	    /* seconds to connect */
	double linger;	    /* seconds in which what nobody waits for may still come */
	double deaf;	    /* seconds without reading, five times, with a tenth of it between */
	double answer_after; /* seconds */
	long receive_buffer;
	const char *acked_file;
	char **bot;
};

struct sent {
	int64_t due;  /* when it was to go; latency counts from here */
	int64_t took; /* ns; 0: no ack came */
	uint32_t late_us; /* behind `due` when it went */
	uint8_t acks, by_url;
};

enum phase { PHASE_CONNECT, PHASE_SETTLE, PHASE_IDLE, PHASE_WARM, PHASE_RUN, PHASE_LINGER, PHASE_DONE };

struct load {
	struct options o;
	struct wire *wire;
	struct process bot;
	uint32_t nonce;
	const char *failed; /* why there is no result */

	/* commands; the first o.warm_up of them are not measured */
	struct sent *sent;
	size_t sent_count, sent_cap, acked;
	uint64_t duplicates, unknown, malformed, without_payload, late;

	enum phase phase;
	int64_t phase_at, connected_at, last_ack_at, next_due, next_refresh, next_sample, next_ping;
	int64_t run_from, run_to; /* first command to last ack */
	bool run_sent;		  /* all of them are on their way */

	/* without any link */
	int64_t gap_from, gap_to, gap_ns;
	uint64_t due_in_gap, refreshes, lost_links;

	struct usage before_idle, after_idle, before, after;
	int64_t own_before, own_after; /* ns of CPU */
	int64_t sample_every;
	long rss_kb[SAMPLES_MAX];
	size_t samples;

	struct {
		char method[48];
		uint64_t n;
	} calls[CALLS_MAX];
	uint64_t call_count;
};

/* Exits with 2 and a word to stderr when they make no sense. */
void options_read(struct options *o, int argc, char **argv);

struct wire_events schedule_events(struct load *l);
/* Does what is due; returns when it wants to be asked again. */
int64_t schedule_step(struct load *l, int64_t now);

void report_print(const struct load *l, bool ended_well);
/* 0; -errno when the file cannot be written. */
int report_acked(const struct load *l);
/* Every command was acked once, and nothing else came. */
bool report_clean(const struct load *l);

#endif
