// SPDX-License-Identifier: GPL-2.0-only
/*
 * peer: a host's sockets, held and closed to order.
 *
 *	peer serve SOCK [LOG]		a daemon that holds sockets; LOG gets a
 *					line for each connection it accepts
 *	peer ask SOCK COMMAND... [and COMMAND...]...
 *					gives it one command, or several until
 *					one is refused, prints the answers
 *	peer load PROTO ADDR PORT	opens, uses and closes connections, one
 *					after another, until SIGTERM; prints
 *					how many, how many of them failed, why
 *
 * Commands (NAME of several sockets: NAME.1 NAME.2 ...; "NAME.*" is all):
 *	listen PROTO ADDR PORT		answer here: echo what comes, but close
 *					on "close", reset on "reset", end our
 *					side on "shut"; after "stay" leave our
 *					side open when theirs ends
 *	open NAME PROTO ADDR PORT [count N] [from ADDR[,PORT]] [nowait]
 *	     [at MICROSECONDS]		not before that time of the clock, so that
 *					several begin at once
 *	say NAME TEXT			send it, print what comes back; \r and \n
 *					in TEXT are the characters
 *	tell NAME TEXT			send it
 *	drain NAME			read until the other side has closed
 *	close|reset|shut NAME		close; close with RST; FIN, stay open
 *	hangup [reset]			close what was accepted; with RST
 *	quit				end; the kernel closes the sockets
 *	count				how many sockets with a name are open
 *	accepted			how many connections were accepted
 * PROTO is tcp, udp, sctp or udplite. Exit status 0 done, 1 refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAX_FDS		65536
#define MAX_WORDS	16
#define PATIENCE_MS	10000

enum role { FREE, CONTROL, LISTENER, ANSWER, NAMED };

/* By file descriptor. */
static struct {
	enum role	role;
	bool		stream;
	bool		stays;
	char		name[24];
} socks[MAX_FDS];

static int epfd;
static FILE *logfile;
static unsigned long accepted;
static bool quits;
static char answer[4096];

static bool __attribute__((format(printf, 1, 2))) refuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(answer, sizeof(answer), fmt, args);
	va_end(args);
	return false;
}

/* ---- sockets ---- */

struct proto {
	const char	*name;
	int		type;
	int		number;
};

static const struct proto protos[] = {
	{ "tcp",	SOCK_STREAM,	IPPROTO_TCP },
	{ "udp",	SOCK_DGRAM,	IPPROTO_UDP },
	{ "sctp",	SOCK_STREAM,	IPPROTO_SCTP },
	{ "udplite",	SOCK_DGRAM,	IPPROTO_UDPLITE },
};

static const struct proto *proto_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (!strcmp(protos[i].name, name))
			return &protos[i];
	return NULL;
}

/* Not getaddrinfo(): a static program would want the C library's modules. */
static bool parse_addr(const char *addr, const char *port,
		       struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	memset(ss, 0, sizeof(*ss));
	if (end == port || *end || number > UINT16_MAX)
		return refuse("bad port %s", port);
	if (inet_pton(AF_INET, addr, &in->sin_addr) == 1) {
		ss->ss_family = AF_INET;
		in->sin_port = htons(number);
		*len = sizeof(*in);
	} else if (inet_pton(AF_INET6, addr, &in6->sin6_addr) == 1) {
		ss->ss_family = AF_INET6;
		in6->sin6_port = htons(number);
		*len = sizeof(*in6);
	} else {
		return refuse("bad address %s", addr);
	}
	return true;
}

static void hold(int fd, enum role role, bool stream, const char *name)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= MAX_FDS)
		errx(1, "too many sockets");
	socks[fd].role = role;
	socks[fd].stream = stream;
	socks[fd].stays = false;
	snprintf(socks[fd].name, sizeof(socks[fd].name), "%s", name);
	/* Named sockets are read when asked, not when something comes. */
	if (role != NAMED && epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		err(1, "epoll_ctl");
}

static void drop(int fd, bool with_reset)
{
	struct linger linger = { .l_onoff = 1 };

	if (with_reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	socks[fd].role = FREE;
	close(fd);
}

static bool wait_for(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, PATIENCE_MS) > 0;
}

static bool connected(int fd)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!wait_for(fd, POLLOUT))
		return refuse("connect: timed out");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		return refuse("connect: %s", strerror(err));
	return true;
}

static bool do_listen(int argc, char **argv)
{
	const struct proto *proto = argc == 4 ? proto_by_name(argv[1]) : NULL;
	struct sockaddr_storage ss;
	int fd, one = 1;
	socklen_t len;

	if (!proto)
		return refuse("usage: listen PROTO ADDR PORT");
	if (!parse_addr(argv[2], argv[3], &ss, &len))
		return false;
	fd = socket(ss.ss_family, proto->type | SOCK_NONBLOCK, proto->number);
	if (fd < 0)
		return refuse("socket: %m");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (proto->type == SOCK_DGRAM && ss.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
	if (proto->type == SOCK_DGRAM && ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one,
			   sizeof(one));
	if (bind(fd, (struct sockaddr *)&ss, len) ||
	    (proto->type == SOCK_STREAM && listen(fd, 4096))) {
		close(fd);
		return refuse("listen: %m");
	}
	hold(fd, proto->type == SOCK_STREAM ? LISTENER : ANSWER,
	     proto->type == SOCK_STREAM, "");
	return true;
}

struct opening {
	const struct proto	*proto;
	struct sockaddr_storage	to, from;
	socklen_t		to_len, from_len;
	unsigned long		count, at;
	bool			nowait;
};

static int start_one(const struct opening *o)
{
	int one = 1, fd;

	fd = socket(o->to.ss_family, o->proto->type | SOCK_NONBLOCK,
		    o->proto->number);
	if (fd < 0)
		return -1;
	/* Datagram sockets would share ports that the kernel picks, too. */
	if (o->proto->type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if ((o->from_len && bind(fd, (void *)&o->from, o->from_len)) ||
	    (connect(fd, (void *)&o->to, o->to_len) && errno != EINPROGRESS)) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

static bool parse_opening(int argc, char **argv, struct opening *o)
{
	*o = (struct opening) { .count = 1 };
	o->proto = argc >= 5 ? proto_by_name(argv[2]) : NULL;
	if (!o->proto)
		return refuse("usage: open NAME PROTO ADDR PORT [count N] [from ADDR[,PORT]] [nowait] [at MICROSECONDS]");
	if (!parse_addr(argv[3], argv[4], &o->to, &o->to_len))
		return false;
	for (int i = 5; i < argc; i++) {
		if (!strcmp(argv[i], "nowait")) {
			o->nowait = true;
		} else if (!strcmp(argv[i], "count") && i + 1 < argc) {
			o->count = strtoul(argv[++i], NULL, 10);
		} else if (!strcmp(argv[i], "at") && i + 1 < argc) {
			o->at = strtoul(argv[++i], NULL, 10);
		} else if (!strcmp(argv[i], "from") && i + 1 < argc) {
			char *port = strchr(argv[++i], ',');

			if (port)
				*port++ = 0;
			if (!parse_addr(argv[i], port ? port : "0", &o->from,
					&o->from_len))
				return false;
		} else {
			return refuse("open: what is '%s'?", argv[i]);
		}
	}
	return true;
}

static unsigned long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000UL + ts.tv_nsec / 1000;
}

/* All handshakes run side by side. */
static bool do_open(int argc, char **argv)
{
	static int fds[MAX_FDS];
	struct opening o;
	char name[24];

	if (!parse_opening(argc, argv, &o))
		return false;
	while (now_us() < o.at)
		;
	for (unsigned long i = 0; i < o.count; i++) {
		fds[i] = start_one(&o);
		if (fds[i] < 0)
			return refuse("open %lu: %m", i + 1);
		if (o.count == 1)
			snprintf(name, sizeof(name), "%s", argv[1]);
		else
			snprintf(name, sizeof(name), "%.12s.%lu", argv[1], i + 1);
		hold(fds[i], NAMED, o.proto->type == SOCK_STREAM, name);
	}
	for (unsigned long i = 0; !o.nowait && i < o.count; i++)
		if (!connected(fds[i])) {
			drop(fds[i], false);
			return false;
		}
	return true;
}

/* ---- commands on named sockets ---- */

static bool sock_say(int fd, const char *text)
{
	ssize_t n;

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return refuse("send: %m");
	if (!wait_for(fd, POLLIN))
		return refuse("no answer");
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		return refuse("recv: %m");
	answer[n] = 0;
	return true;
}

static bool sock_tell(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return refuse("send: %m");
	return true;
}

static bool sock_drain(int fd, const char *text)
{
	char buf[4096];
	ssize_t n;

	(void)text;
	do {
		if (!wait_for(fd, POLLIN))
			return refuse("other side still open");
		n = recv(fd, buf, sizeof(buf), 0);
	} while (n > 0);
	return true;
}

static bool sock_close(int fd, const char *text)
{
	(void)text;
	drop(fd, false);
	return true;
}

static bool sock_reset(int fd, const char *text)
{
	(void)text;
	drop(fd, true);
	return true;
}

static bool sock_shut(int fd, const char *text)
{
	(void)text;
	return !shutdown(fd, SHUT_WR) || refuse("shutdown: %m");
}

static const struct {
	const char	*name;
	bool		(*act)(int fd, const char *text);
	int		argc;
} verbs[] = {
	{ "say",	sock_say,	3 },
	{ "tell",	sock_tell,	3 },
	{ "drain",	sock_drain,	2 },
	{ "close",	sock_close,	2 },
	{ "reset",	sock_reset,	2 },
	{ "shut",	sock_shut,	2 },
};

/* A command's words end with a newline: one inside is written \n. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && (text[1] == 'n' || text[1] == 'r'))
			*to++ = *++text == 'n' ? '\n' : '\r';
		else
			*to++ = *text;
	}
	*to = 0;
}

static bool do_named(int argc, char **argv)
{
	size_t v = 0;
	unsigned long hits = 0;

	if (argc > 2)
		unescape(argv[2]);
	while (v < sizeof(verbs) / sizeof(verbs[0]) &&
	       strcmp(verbs[v].name, argv[0]))
		v++;
	if (v == sizeof(verbs) / sizeof(verbs[0]))
		return refuse("unknown command '%s'", argv[0]);
	if (argc != verbs[v].argc)
		return refuse("%s takes %d words", argv[0], verbs[v].argc - 1);
	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (socks[fd].role != NAMED ||
		    fnmatch(argv[1], socks[fd].name, 0))
			continue;
		hits++;
		if (!verbs[v].act(fd, argc > 2 ? argv[2] : NULL))
			return false;
	}
	return hits || refuse("no socket named %s", argv[1]);
}

static bool do_count(void)
{
	unsigned long n = 0;

	for (int fd = 0; fd < MAX_FDS; fd++)
		n += socks[fd].role == NAMED;
	snprintf(answer, sizeof(answer), "%lu", n);
	return true;
}

static bool do_hangup(bool reset)
{
	for (int fd = 0; fd < MAX_FDS; fd++)
		if (socks[fd].role == ANSWER && socks[fd].stream)
			drop(fd, reset);
	return true;
}

/* ---- what comes in ---- */

static void log_accepted(int fd)
{
	struct sockaddr_storage ss;
	char host[64], port[8];
	socklen_t len = sizeof(ss);

	accepted++;
	if (!logfile || getsockname(fd, (void *)&ss, &len) ||
	    getnameinfo((void *)&ss, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		return;
	fprintf(logfile, "%s %s", host, port);
	len = sizeof(ss);
	if (!getpeername(fd, (void *)&ss, &len) &&
	    !getnameinfo((void *)&ss, len, host, sizeof(host), port,
			 sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		fprintf(logfile, " %s %s", host, port);
	fprintf(logfile, "\n");
	fflush(logfile);
}

static void take_connection(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		log_accepted(fd);
		hold(fd, ANSWER, true, "");
	}
}

static void answer_stream(int fd)
{
	char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 4 && !memcmp(buf, "stay", 4))
		socks[fd].stays = true;
	if (!n && socks[fd].stays)
		epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
	else if (n <= 0 || (n == 5 && !memcmp(buf, "close", 5)))
		drop(fd, false);
	else if (n == 5 && !memcmp(buf, "reset", 5))
		drop(fd, true);
	else if (n == 4 && !memcmp(buf, "shut", 4))
		shutdown(fd, SHUT_WR);
	else if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
		drop(fd, false);
}

/* From the address it was sent to, which a host with several must say. */
static void answer_datagram(int fd)
{
	struct sockaddr_storage from;
	char control[256], buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_name	= &from,
		.msg_namelen	= sizeof(from),
		.msg_iov	= &iov,
		.msg_iovlen	= 1,
		.msg_control	= control,
		.msg_controllen	= sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return;
	iov.iov_len = n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP)
			((struct in_pktinfo *)CMSG_DATA(c))->ipi_ifindex = 0;
		else
			((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
	}
	sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static bool command(int argc, char **argv)
{
	if (!argc)
		return refuse("no command");
	if (!strcmp(argv[0], "listen"))
		return do_listen(argc, argv);
	if (!strcmp(argv[0], "open"))
		return do_open(argc, argv);
	if (!strcmp(argv[0], "count"))
		return do_count();
	if (!strcmp(argv[0], "accepted"))
		return snprintf(answer, sizeof(answer), "%lu", accepted) > 0;
	if (!strcmp(argv[0], "hangup"))
		return do_hangup(argc > 1);
	if (!strcmp(argv[0], "quit"))
		return quits = true;
	return do_named(argc, argv);
}

static void obey(int control)
{
	char *argv[MAX_WORDS], line[4096], reply[4100];
	int argc = 0, fd = accept4(control, NULL, NULL, 0);
	ssize_t n = fd < 0 ? -1 : recv(fd, line, sizeof(line) - 1, 0);
	bool ok;

	if (n < 0) {
		warn("command");
		close(fd);
		return;
	}
	line[n] = 0;
	for (char *word = strtok(line, "\n"); word && argc < MAX_WORDS;
	     word = strtok(NULL, "\n"))
		argv[argc++] = word;
	answer[0] = 0;
	ok = command(argc, argv);
	n = snprintf(reply, sizeof(reply), "%c%s", ok ? '0' : '1', answer);
	if (send(fd, reply, n, MSG_NOSIGNAL) < 0)
		warn("answer");
	close(fd);
}

static void loop(void)
{
	struct epoll_event events[64];

	while (!quits) {
		int n = epoll_wait(epfd, events, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (socks[fd].role == CONTROL)
				obey(fd);
			else if (socks[fd].role == LISTENER)
				take_connection(fd);
			else if (socks[fd].role == ANSWER && socks[fd].stream)
				answer_stream(fd);
			else if (socks[fd].role == ANSWER)
				answer_datagram(fd);
		}
	}
}

/* ---- the two faces ---- */

static int control_socket(const char *path, struct sockaddr_un *un)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	un->sun_family = AF_UNIX;
	if (snprintf(un->sun_path, sizeof(un->sun_path), "%s", path) >=
	    (int)sizeof(un->sun_path))
		errx(1, "%s: path too long", path);
	return fd;
}

static int serve(const char *path, const char *logname)
{
	struct rlimit limit = { MAX_FDS, MAX_FDS };
	struct sockaddr_un un = {};
	int fd = control_socket(path, &un);

	setrlimit(RLIMIT_NOFILE, &limit);
	signal(SIGPIPE, SIG_IGN);
	if (logname) {
		logfile = fopen(logname, "a");
		if (!logfile)
			err(1, "%s", logname);
	}
	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		err(1, "epoll_create1");
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 16))
		err(1, "%s", path);
	hold(fd, CONTROL, false, "");
	/*
	 * Whoever started us may go on: the control socket is there. What went
	 * wrong is still told.
	 */
	if (daemon(1, 1) || !freopen("/dev/null", "r", stdin) ||
	    !freopen("/dev/null", "w", stdout))
		err(1, "daemon");
	loop();
	return 0;
}

static int ask(const char *path, int argc, char **argv)
{
	struct sockaddr_un un = {};
	char line[4096] = "", reply[4100];
	int fd = control_socket(path, &un);
	size_t used = 0;
	ssize_t n;

	for (int i = 0; i < argc; i++)
		used += snprintf(line + used, sizeof(line) - used, "%s\n",
				 argv[i]);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) ||
	    send(fd, line, used, 0) < 0)
		err(1, "%s", path);
	n = recv(fd, reply, sizeof(reply) - 1, 0);
	close(fd);
	if (n < 1)
		errx(1, "%s: no reply", path);
	reply[n] = 0;
	if (reply[0] != '0')
		errx(1, "%s", reply + 1);
	if (n > 1)
		printf("%s\n", reply + 1);
	return 0;
}

static int ask_all(const char *path, int argc, char **argv)
{
	int err = 0, n;

	for (; !err && argc > 0; argc -= n + 1, argv += n + 1) {
		for (n = 0; n < argc && strcmp(argv[n], "and"); n++)
			;
		err = ask(path, n, argv);
	}
	return err;
}

static bool once(const struct opening *o)
{
	int fd = start_one(o);
	bool ok;

	if (fd < 0)
		return refuse("open: %m");
	ok = connected(fd) && sock_say(fd, "hello");
	drop(fd, false);
	return ok;
}

static int load(char **argv)
{
	char *words[] = { "open", "load", argv[0], argv[1], argv[2] };
	unsigned long done = 0, failed = 0;
	char why[sizeof(answer)] = "";
	struct opening o;
	sigset_t term;

	if (!parse_opening(5, words, &o))
		errx(1, "%s", answer);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	while (!sigpending(&term) && !sigismember(&term, SIGTERM)) {
		done++;
		if (!once(&o)) {
			failed++;
			memcpy(why, answer, sizeof(why));
		}
	}
	printf("%lu %lu %s\n", done, failed, why);
	return 0;
}

int main(int argc, char **argv)
{
	if ((argc == 3 || argc == 4) && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv[3]);
	if (argc >= 4 && !strcmp(argv[1], "ask"))
		return ask_all(argv[2], argc - 3, argv + 3);
	if (argc == 5 && !strcmp(argv[1], "load"))
		return load(argv + 2);
	fprintf(stderr, "usage: peer serve SOCK [LOG] | peer ask SOCK COMMAND... | peer load PROTO ADDR PORT\n");
	return 2;
}
