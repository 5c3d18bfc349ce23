#ifndef BOT_NOTIFY_H
#define BOT_NOTIFY_H
/*
 * What the service manager is told: ready, alive, stopping. Its protocol is one datagram a message to the
 * socket that $NOTIFY_SOCKET names (sd_notify(3)), so no library is needed. Without the variable nothing
 * is said and nothing fails.
 */
#include <stdint.h>

/* state: "READY=1", "WATCHDOG=1" … Never waits: what does not fit into the socket is dropped (-EAGAIN). 1 when it was
 * said, 0 when nobody asked for it. */
int notify_say(const char *state);

/* How often WATCHDOG=1 is due, ms: half of what the service manager waits ($WATCHDOG_USEC, when it is meant for this
 * process). 0: never. */
int64_t notify_watchdog_ms(void);

#endif
