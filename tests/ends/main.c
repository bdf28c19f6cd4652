// SPDX-License-Identifier: GPL-2.0-only
/*
 * ends: network namespaces end, and a pointer to what they had is looked for.
 *
 *	ends every N [nft]	each Nth cell of the matrix; without legacy's rules
 *	ends only NUMBER	this one alone
 *	ends list		what they are
 *
 * Each namespace is that of a process, which chooses a backend on each processor
 * last and ends. When all of it is freed, packets of another namespace, ours,
 * are sent on each processor: some that no rule balances, since what is chosen
 * would replace the last choice, then some that a rule does. What is wrong is in
 * the kernel's log. Exit status: 0 all ended, else not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ends.h"

#define AT_ONCE		24
#define GET_OLD_MS	1300	/* and get a trial */
#define RCU_BATCH	520	/* more than kfree_rcu() keeps for later */
#define PATIENCE_MS	30000
#define LAST_FREED_MS	6000	/* whatever fill_batch() did */

/**
 * struct tenant - a process and its namespace
 * @at: the number of its cell
 * @cell: how it ends
 * @pid: the process
 * @talk: to it: "c" choose, "x" exit; from it: what tenant_choose() returns
 */
struct tenant {
	unsigned int	at;
	struct cell	cell;
	pid_t		pid;
	int		talk;
};

/* ---- the tenant's side ---- */

__attribute__((noreturn))
static void be_tenant(const struct cell *cell, int fd)
{
	int dump;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET))
		die("namespace: %m");
	tenant_build(cell);
	dump = -1;
	if (write(fd, &dump, sizeof(dump)) != sizeof(dump) ||
	    read(fd, &c, 1) != 1)
		_exit(2);
	dump = tenant_choose(cell);
	if (write(fd, &dump, sizeof(dump)) != sizeof(dump) ||
	    read(fd, &c, 1) != 1)
		_exit(2);
	_exit(0);
}

/* ---- our side ---- */

static void tenant_start(struct tenant *tenant)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		die("socketpair: %m");
	fflush(stdout);
	tenant->pid = fork();
	if (tenant->pid < 0)
		die("fork: %m");
	if (!tenant->pid) {
		close(fds[0]);
		be_tenant(&tenant->cell, fds[1]);
	}
	close(fds[1]);
	tenant->talk = fds[0];
}

static int tenant_hear(const struct tenant *tenant)
{
	int dump;

	if (read(tenant->talk, &dump, sizeof(dump)) != sizeof(dump))
		die("%s: its process has failed", cell_text(&tenant->cell));
	return dump;
}

static void tenant_tell(const struct tenant *tenant, char c)
{
	if (write(tenant->talk, &c, 1) != 1)
		die("%s: its process has gone", cell_text(&tenant->cell));
}

/* Should the kernel die of it: its log says when. */
static void announce(const struct tenant *tenant)
{
	static int kmsg = -1;

	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	dprintf(kmsg < 0 ? STDOUT_FILENO : kmsg, "<6>ends: %u: %s\n",
		tenant->at, cell_text(&tenant->cell));
}

static unsigned int module_uses(void)
{
	FILE *file = fopen("/sys/module/xt_LEASTCONN/refcnt", "r");
	unsigned int uses;

	if (!file || fscanf(file, "%u", &uses) != 1)
		die("the module is not there");
	fclose(file);
	return uses;
}

static void wait_for_uses(unsigned int uses, const struct cell *cell)
{
	unsigned int left = PATIENCE_MS;

	for (; module_uses() != uses; left--) {
		if (!left)
			die("%s: the module is used %u times, expected %u",
			    cell_text(cell), module_uses(), uses);
		pause_ms(1);
	}
}

/*
 * kfree_rcu() frees in batches, after five seconds or when there are many.
 * epoll uses it, too.
 */
static void fill_batch(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fds[2], epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epfd < 0 || pipe(fds))
		die("epoll: %m");
	for (unsigned int i = 0; i < RCU_BATCH; i++)
		if (epoll_ctl(epfd, EPOLL_CTL_ADD, fds[0], &event) ||
		    epoll_ctl(epfd, EPOLL_CTL_DEL, fds[0], &event))
			die("epoll: %m");
	close(fds[0]);
	close(fds[1]);
	close(epfd);
}

static void let_it_be_freed(void)
{
	for (unsigned int i = 0; i < processors(); i++) {
		run_on(i);
		fill_batch();
	}
	run_anywhere();
	pause_ms(80);
}

/* On each processor; nothing of these is balanced. */
static void send_plain(void)
{
	for (unsigned int i = 0; i < processors(); i++) {
		run_on(i);
		close(tcp_open("127.0.0.1", 9));
		close(tcp_open("::1", 9));
		send_echo();
	}
	run_anywhere();
}

static void send_balanced(void)
{
	for (unsigned int i = 0; i < processors(); i++) {
		run_on(i);
		send_udp("127.0.0.100", 80);
		send_udp("fd00::100", 80);
	}
	run_anywhere();
}

/* Return: what keeps the namespace, or -1. */
static int open_reader(const struct tenant *tenant, int dump)
{
	char path[64], c;
	int fd = -1;

	switch (tenant->cell.value[D_READER]) {
	case PROC:
		sprintf(path, "/proc/%d/net/leastconn", tenant->pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, &c, 1) != 1)
			die("%s: %m", path);
		break;
	case DUMP:
		fd = syscall(SYS_pidfd_open, tenant->pid, 0);
		fd = syscall(SYS_pidfd_getfd, fd, dump, 0);
		if (fd < 0)
			die("the tenant's socket: %m");
		break;
	}
	return fd;
}

static void end_reader(const struct tenant *tenant, int fd)
{
	char text[512];

	if (fd < 0)
		return;
	/* All it had is still there. */
	send_plain();
	if (tenant->cell.value[D_READER] == PROC && read(fd, text, sizeof(text)) < 0)
		die("reading on: %m");
	close(fd);
}

static void tenant_end(struct tenant *tenant)
{
	int reader, status;

	tenant_tell(tenant, 'c');
	reader = open_reader(tenant, tenant_hear(tenant));
	tenant_tell(tenant, 'x');
	if (waitpid(tenant->pid, &status, 0) != tenant->pid || status)
		die("%s: its process has failed", cell_text(&tenant->cell));
	close(tenant->talk);
	end_reader(tenant, reader);
}

/* ---- the matrix ---- */

static void start_group(struct tenant *tenants, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		tenant_start(&tenants[i]);
	for (unsigned int i = 0; i < count; i++)
		tenant_hear(&tenants[i]);
	pause_ms(GET_OLD_MS);
}

static void run_group(struct tenant *tenants, unsigned int count)
{
	unsigned int uses = module_uses();

	start_group(tenants, count);
	for (unsigned int i = 0; i < count; i++)
		uses += tenant_module_uses(&tenants[i].cell);
	for (unsigned int i = 0; i < count; i++) {
		announce(&tenants[i]);
		tenant_end(&tenants[i]);
		/* Those that are left have not changed yet. */
		uses -= tenant_module_uses(&tenants[i].cell);
		wait_for_uses(uses, &tenants[i].cell);
		let_it_be_freed();
		send_plain();
		send_balanced();
	}
}

static void run_cells(unsigned int first, unsigned int step, bool nft_only)
{
	static struct tenant tenants[AT_ONCE];
	unsigned int count = 0, sum = 0;
	struct cell cell;

	for (unsigned int at = first; at < CELLS; at += step) {
		cell = cell_at(at);
		if (nft_only && !cell.value[D_FRONT])
			continue;
		tenants[count++] = (struct tenant) { .at = at, .cell = cell };
		sum++;
		if (count < AT_ONCE)
			continue;
		run_group(tenants, count);
		count = 0;
	}
	run_group(tenants, count);
	pause_ms(LAST_FREED_MS);
	send_plain();
	printf("%u namespaces have ended\n", sum);
}

static void add_balanced_rule(bool sixth)
{
	static struct rule rule;
	const char *front = getenv("LC_IPTABLES") ?: "";
	const struct door *door = strstr(front, "legacy") ? &legacy_door :
							    &nft_door;
	int err;

	ipv6 = sixth;
	rule_init(&rule, 2);
	rule.info.backends[0].addr.in6 = in6addr_loopback;
	rule.chain = "OUTPUT";
	rule.proto = IPPROTO_UDP;
	if (!ipv6) {
		memset(&rule.info.backends[0].addr, 0,
		       sizeof(rule.info.backends[0].addr));
		rule.info.backends[0].addr.ip = htonl(INADDR_LOOPBACK);
	}
	err = door->add(&rule);
	if (err)
		die("our own rule: %s", strerror(err));
}

/* Processes of their own: doors keep sockets, which are of one namespace. */
static void make_ours(void)
{
	int status;

	if (unshare(CLONE_NEWNET))
		die("namespace: %m");
	lo_up(true);
	for (int sixth = 0; sixth < 2; sixth++) {
		if (!fork()) {
			add_balanced_rule(sixth);
			_exit(0);
		}
		if (wait(&status) < 0 || status)
			die("our own rules");
	}
}

static void list_cells(void)
{
	struct cell cell;

	for (unsigned int at = 0; at < CELLS; at++) {
		cell = cell_at(at);
		printf("%u: %s\n", at, cell_text(&cell));
	}
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	unsigned int number = argc > 2 ? atoi(argv[2]) : 0;

	cells_check();
	if (!strcmp(verb, "list")) {
		list_cells();
		return 0;
	}
	make_ours();
	if (!strcmp(verb, "only") && argc == 3)
		run_cells(number, CELLS, false);
	else if (!strcmp(verb, "every") && number)
		run_cells(0, number, argc > 3);
	else
		die("ends every N [nft] | only NUMBER | list");
	return 0;
}
