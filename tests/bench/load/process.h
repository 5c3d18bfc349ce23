#ifndef BENCH_LOAD_PROCESS_H
#define BENCH_LOAD_PROCESS_H
/* The bot under load: started, looked at from outside, ended by its pid. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid; /* 0: none, or it has ended */
	int64_t started_at;
	int status; /* of waitpid, once it has ended */
};

struct usage {
	int64_t cpu_ns;	    /* user and system, of all its threads, by its own clock */
	long rss_kb, peak_kb; /* VmRSS, VmHWM */
	long threads;
	int64_t written; /* bytes that it caused to be written to disks */
};

/* Its stdout is our stderr: ours is for the result. It does not outlive us. 0 or -errno. */
int process_start(struct process *p, char **command, int port);
bool process_ended(struct process *p);
struct usage process_usage(const struct process *p);
long process_rss_kb(const struct process *p);
/* SIGTERM; SIGKILL when it takes longer than so many seconds. True: it ended by itself, with 0. */
bool process_end(struct process *p, int seconds);

#endif
