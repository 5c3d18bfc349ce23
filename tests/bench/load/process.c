#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

/* Vars that are there already are kept: some bots check the shape of a token. */
static void environment(int port)
{
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/api/", port);
	setenv("SLACK_API_URL", url, 1);
	setenv("SLACK_APP_TOKEN", "xapp-1-A0LOAD-1-0123456789abcdef", 0);
	setenv("SLACK_BOT_TOKEN", "xoxb-1-1-0123456789abcdef", 0);
}

int process_start(struct process *p, char **command, int port)
{
	pid_t parent = getpid();

	environment(port);
	p->started_at = wire_now();
	p->pid = fork();
	if (p->pid < 0)
		return -errno;
	if (p->pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(command[0], command);
	fprintf(stderr, "load: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

bool process_ended(struct process *p)
{
	if (p->pid && waitpid(p->pid, &p->status, WNOHANG) == p->pid)
		p->pid = 0;
	return !p->pid;
}

/* The number behind a name in a file of /proc/PID. */
static int64_t number_of(const struct process *p, const char *file, const char *name)
{
	char path[64], line[256];
	int64_t found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)p->pid, file);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)) == 0)
			found = strtoll(line + strlen(name), NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

long process_rss_kb(const struct process *p)
{
	return p->pid ? (long)number_of(p, "status", "VmRSS:") : 0;
}

struct usage process_usage(const struct process *p)
{
	struct usage u = { 0 };
	struct timespec t;
	clockid_t clock;

	if (!p->pid)
		return u;
	if (clock_getcpuclockid(p->pid, &clock) == 0 && clock_gettime(clock, &t) == 0)
		u.cpu_ns = (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
	u.rss_kb = process_rss_kb(p);
	u.peak_kb = (long)number_of(p, "status", "VmHWM:");
	u.threads = (long)number_of(p, "status", "Threads:");
	u.written = number_of(p, "io", "write_bytes:");
	return u;
}

bool process_end(struct process *p, int seconds)
{
	if (p->pid)
		kill(p->pid, SIGTERM);
	for (int i = 0; i < seconds * 100 && !process_ended(p); i++)
		usleep(10000);
	if (p->pid) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &p->status, 0);
		p->pid = 0;
	}
	return WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0;
}
