/* The world as a process under test sees it, by LD_PRELOAD: how late it is, whether names resolve, and whether the disk
 * comes back from a sync. The file that SITREP_TEST_WORLD names holds struct world; whoever writes into it turns the
 * world while the process runs (world.py).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define OURS	  ".test" /* names that end like this are those of the test, all on loopback */

struct world {
	int64_t wall_ms;      /* so much later than it is */
	int64_t monotonic_ms; /* … for time-outs */
	int64_t names_gone;   /* nobody answers for ours */
	int64_t stalled;      /* no sync comes back */
	int64_t hanging;      /* said by us: so many syncs wait */
};

static volatile struct world still;
static volatile struct world *world = &still;

__attribute__((constructor)) static void world_open(void)
{
	const char *path = getenv("SITREP_TEST_WORLD");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		world = p;
}

static void turn(struct timespec *t, int64_t ms)
{
	int64_t ns = t->tv_nsec + ms % 1000 * 1000000;

	t->tv_sec += ms / 1000 + (ns >= SECOND_NS) - (ns < 0);
	t->tv_nsec = ns + (ns < 0 ? SECOND_NS : 0) - (ns >= SECOND_NS ? SECOND_NS : 0);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (rc)
		return rc;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		turn(t, world->wall_ms);
	else if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_MONOTONIC_RAW ||
		 id == CLOCK_BOOTTIME)
		turn(t, world->monotonic_ms);
	return 0;
}

time_t time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	*tv = (struct timeval){ .tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000 };
	return 0;
}

/* Who waits until a moment of the turned clock waits as long by the real one. The program's conditions are all on the
 * monotonic clock. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
	const struct timespec *restrict until)
{
	struct timespec t = *until;

	turn(&t, -world->monotonic_ms);
	return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC, &t);
}

int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
	struct addrinfo **restrict out)
{
	int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	size_t n = name ? strlen(name) : 0;

	*(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
	if (n < strlen(OURS) || strcmp(name + n - strlen(OURS), OURS) != 0)
		return next(name, service, hints, out);
	return world->names_gone ? EAI_AGAIN : next("127.0.0.1", service, hints, out);
}

static int after_stall(const char *name, int fd)
{
	int (*next)(int);

	*(void **)&next = dlsym(RTLD_NEXT, name);
	if (world->stalled) {
		__atomic_add_fetch(&world->hanging, 1, __ATOMIC_SEQ_CST);
		while (world->stalled)
			usleep(2000);
		__atomic_sub_fetch(&world->hanging, 1, __ATOMIC_SEQ_CST);
	}
	return next(fd);
}

int fsync(int fd)
{
	return after_stall("fsync", fd);
}

int fdatasync(int fd)
{
	return after_stall("fdatasync", fd);
}
