#include "config/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define PORT_MOST   65535
#define PORT_DIGITS 5

static bool port_parse(const char *text, in_port_t *out)
{
	unsigned port = 0;
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > PORT_DIGITS || text[n])
		return false;
	for (; *text; text++)
		port = port * 10 + (unsigned)(*text - '0');
	*out = htons((uint16_t)port);
	return port <= PORT_MOST;
}

static bool host_parse(const char *host, bool six, in_port_t port, struct listen_address *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port };

	*out = (struct listen_address){ .len = six ? sizeof(in6) : sizeof(in) };
	if (six) {
		if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
			return false;
		out->loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
		memcpy(&out->at, &in6, sizeof(in6));
	} else {
		if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
			return false;
		out->loopback = ntohl(in.sin_addr.s_addr) >> 24 == 127;
		memcpy(&out->at, &in, sizeof(in));
	}
	return true;
}

bool listen_parse(const char *text, struct listen_address *out)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	bool six = *text == '[';
	in_port_t port;
	size_t n;

	if (!colon || !port_parse(colon + 1, &port))
		return false;
	n = (size_t)(colon - text);
	if (six) {
		if (n < 2 || text[n - 1] != ']')
			return false;
		text++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	return host_parse(host, six, port, out);
}
