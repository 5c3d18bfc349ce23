#ifndef SITREP_BOT_MEMORY_H
#define SITREP_BOT_MEMORY_H

/* How the process holds its memory. Neither changes what it does. */

/* Before the first thread: how malloc keeps what was freed. */
void memory_configure(void);

/* After the start: what only the start needed is let go of. */
void memory_started(void);

#endif
