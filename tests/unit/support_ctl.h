#ifndef SUPPORT_CTL_H
#define SUPPORT_CTL_H
/*
 * The socket of the shell, on a stage: the loop and the adapter run in the test's thread; a second
 * thread is the client and tells the story. In place of the core: what is submitted is answered a
 * moment later, by its words ("refuse", "large", "hold …": see support_ctl.c).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/ctl/ctl.h"
#include "adapters/io.h"
#include "base/json.h"

struct ctl_stage {
	struct adapter *ctl;
	struct adapter_host host;
	struct io_wake done;			   /* ends the loop; sent when the story is told */
	struct io_wake resume;			   /* the core has room again */
	char path[108];				   /* of the socket, in a folder of its own */
	atomic_int submitted, refused, full;	   /* full: so many more are refused */
	char words[70000], person[64], name[64], key[128]; /* of the last request */
};
extern struct ctl_stage ctl_stage;

/* From an empty folder to an empty folder, with the story told in between. */
void ctl_tell(void (*story)(void));
void ctl_tell_with(void (*story)(void), struct ctl_options options);

/* The same by hand: the adapter is made, and not started. */
void ctl_set_up(void);
void ctl_stop(void);	  /* the loop has run and ended */
void ctl_tear_down(void); /* stops when that was not done; fails when a file was left behind */
/* Somebody else listens at our path from now on; the caller closes it, and unlinks the path. */
int ctl_squat(void);

/* cmocka's asserts are for the test's thread; in a story a failure is told and ends the program. */
#define need(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The client's side, raw; for stories. Nothing waits longer than 5 s. */
int ctl_dial(void);
void ctl_say(int fd, const char *text);
json_t *ctl_hear(int fd); /* one line, the caller's; NULL at the end of the connection */
/* One line that says this; code NULL: it has none. */
void ctl_hear_text(int fd, bool ok, const char *code, const char *text);
void ctl_hear_end(int fd); /* the other side has closed; closes */

#endif
