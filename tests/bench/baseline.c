/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start costs at least: the system calls of "mvmd run" up to the VMM's execve(2), for one disk
 * and one interface, in mvmd's order, with everything known beforehand. Less these, which mvmd makes
 * besides (`make bench` counts both):
 *
 *   write                    the lines that tell a person what happens
 *   mmap, mremap, munmap,    memory for what was not known beforehand
 *   futex
 *   mkdir                    the folders above the runtime folder
 *   openat, read, close      jansson seeds its hash tables from /dev/urandom; the VM's lock, the history of
 *                            its failures and host.conf are looked for; the host's memory is read
 *   pread64, fstatfs, uname  a disk's first bytes and the room around it, the host's kernel
 *   newfstatat, access       the search through PATH: here the program's place is given
 *   geteuid, getegid,        who becomes another user for a moment asks first who it is: here that
 *   getgroups, capget        is known
 *   landlock_create_ruleset  the kernel is asked for the version of Landlock
 *   getrandom                sd-event wants a random number, a socket's temporary name another
 *   getpid, rt_sigprocmask,  sd-event asks which process it is in and what is blocked, makes its
 *   signalfd4, epoll_ctl,    signalfd signal by signal, asks of each new descriptor whether it can be
 *   epoll_wait               watched, and has a turn of its loop
 */
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <linux/capability.h>

#include "stamp.h"

#define FILE_MAX_BYTES	  (1024 * 1024)
#define NETLINK_MAX_BYTES 8192
#define CHILD_STACK_BYTES 65536
#define EVENTS_PIPE_BYTES (1024 * 1024)
#define OUTPUT_PIPE_BYTES (256 * 1024)
#define SOCKET_BACKLOG	  128
#define API_FD		  3
#define EVENTS_FD	  4

/* What mvmd finds out; here it is told. */
typedef struct Start {
	const char *spec_directory, *state_directory, *runtime_directory;
	const char *kernel, *disk, *vmm, *bridge, *tap;
	uid_t uid;
} Start;

/* What the VMM gets. */
typedef struct Given {
	int console, listener, events, output;
} Given;

static struct __user_cap_data_struct capabilities[_LINUX_CAPABILITY_U32S_3];
static char file[FILE_MAX_BYTES];

static long must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(EXIT_FAILURE);
	}
	return result;
}
#define MUST(call) must((long) (call), #call)

static const char *path_in(const char *directory, const char *name)
{
	static char path[256];

	(void) snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* As a person would read it, with a look at its size. */
static void read_file(const char *directory, const char *name)
{
	struct stat st;
	int fd = (int) MUST(open(path_in(directory, name), O_RDONLY | O_CLOEXEC));

	MUST(fstat(fd, &st));
	while (MUST(read(fd, file, sizeof(file))) > 0)
		;
	MUST(close(fd));
}

static void capabilities_call(long number)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	MUST(syscall(number, &header, capabilities));
}

/* The raw calls: glibc's change all threads, by signals. */
static void become(uid_t uid)
{
	MUST(syscall(SYS_setgroups, 0, NULL));
	MUST(syscall(SYS_setresgid, -1, uid, -1));
	MUST(syscall(SYS_setresuid, -1, uid, -1));
}

static void become_root(void)
{
	MUST(syscall(SYS_setresuid, -1, 0, -1));
	capabilities_call(SYS_capset);
	MUST(syscall(SYS_setresgid, -1, 0, -1));
	MUST(syscall(SYS_setgroups, 0, NULL));
}

static int open_as(uid_t uid, const char *path, int flags)
{
	int fd;

	become(uid);
	fd = (int) MUST(open(path, flags | O_CLOEXEC | O_NOCTTY));
	become_root();
	return fd;
}

static void try_as(uid_t uid, const char *path, int flags)
{
	struct stat st;

	become(uid);
	MUST(stat(path, &st));
	MUST(close((int) MUST(open(path, flags | O_CLOEXEC | O_NOCTTY))));
	become_root();
}

/* Netlink. */

typedef struct Request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[256];
} Request;

static void put(Request *request, unsigned short type, const void *data, size_t length)
{
	struct rtattr *attribute =
		(void *) ((char *) request + NLMSG_ALIGN(request->header.nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short) RTA_LENGTH(length);
	memcpy(RTA_DATA(attribute), data, length);
	request->header.nlmsg_len =
		(unsigned) (NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
}

static Request request_new(unsigned short type, int ifindex)
{
	return (Request){ .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				      .nlmsg_type = type,
				      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
			  .link = { .ifi_index = ifindex } };
}

static int netlink_open(void)
{
	const int on = 1;
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = (int) MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));

	MUST(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)));
	MUST(setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)));
	MUST(setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)));
	MUST(bind(fd, (const struct sockaddr *) &any, sizeof(any)));
	return fd;
}

/* Receives up to the acknowledgement. Returns the index of the link in between, or 0. */
static int netlink_ask(int fd, const Request *request)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MAX_BYTES];
	struct nlmsghdr *header = (void *) buffer;
	int ifindex = 0;

	MUST(sendto(fd, request, request->header.nlmsg_len, MSG_NOSIGNAL,
		    (const struct sockaddr *) &kernel, sizeof(kernel)));
	for (;;) {
		struct iovec data = { buffer, sizeof(buffer) };
		struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

		MUST(recvmsg(fd, &message, 0));
		if (header->nlmsg_type == NLMSG_ERROR)
			break;
		ifindex = ((struct ifinfomsg *) NLMSG_DATA(header))->ifi_index;
	}
	MUST(((struct nlmsgerr *) NLMSG_DATA(header))->error);
	return ifindex;
}

static int link_index(int fd, const char *name)
{
	Request request = request_new(RTM_GETLINK, 0);
	const unsigned mask = RTEXT_FILTER_SKIP_STATS;

	put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	put(&request, IFLA_EXT_MASK, &mask, sizeof(mask));
	return netlink_ask(fd, &request);
}

static void link_join(int fd, int ifindex, int master)
{
	const unsigned char mac[] = { 0xfe, 0, 0, 0, 0, 1 };
	Request request = request_new(RTM_NEWLINK, ifindex);
	const char *alias = "mvmd:one/net0";
	unsigned mtu = 1500;

	request.link.ifi_flags = request.link.ifi_change = IFF_UP;
	put(&request, IFLA_ADDRESS, mac, sizeof(mac));
	put(&request, IFLA_MTU, &mtu, sizeof(mtu));
	put(&request, IFLA_IFALIAS, alias, strlen(alias) + 1);
	put(&request, IFLA_MASTER, &master, sizeof(master));
	(void) netlink_ask(fd, &request);
}

/* The steps. */

/*
 * The kernel's version, as src/model/elf.c finds it: head, segments, notes, names and headers of the sections,
 * .rodata, and the banner in there.
 */
static void read_kernel(const Start *start)
{
	static const struct {
		size_t n;
		off_t at;
	} parts[] = { { 8192, 0 },   { 168, 64 },   { 24, 5504 },  { 64, 6248 },
		      { 421, 5891 }, { 384, 5928 }, { 784, 5528 }, { 256, 5542 } };
	struct stat st;
	int fd;

	become(start->uid);
	MUST(stat(start->kernel, &st));
	fd = (int) MUST(open(start->kernel, O_RDONLY | O_CLOEXEC | O_NOCTTY));
	become_root();
	MUST(fstat(fd, &st));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		MUST(pread(fd, file, parts[i].n, parts[i].at));
	MUST(close(fd));
}

static void look_at_host(const Start *start)
{
	struct stat st;
	int fd;

	read_file(start->spec_directory, "one.json");
	(void) open(path_in(start->spec_directory, "one.json.d"), O_RDONLY | O_DIRECTORY);
	read_file(start->state_directory, ".programs.json");
	read_file(start->state_directory, ".uids.json");
	try_as(start->uid, "/dev/kvm", O_RDWR);
	MUST(close((int) MUST(open("/dev/net/tun", O_RDWR | O_CLOEXEC))));
	MUST(stat(start->vmm, &st));
	become(start->uid);
	MUST(faccessat(AT_FDCWD, start->vmm, X_OK, AT_EACCESS));
	become_root();
	read_kernel(start);
	try_as(start->uid, start->disk, O_RDWR);
	fd = netlink_open();
	(void) link_index(fd, start->bridge);
	MUST(close(fd));
}

static int make_loop(void)
{
	int epoll = (int) MUST(epoll_create1(EPOLL_CLOEXEC)), fd;
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t stop;

	(void) sigemptyset(&stop);
	(void) sigaddset(&stop, SIGTERM);
	(void) sigaddset(&stop, SIGINT);
	(void) sigaddset(&stop, SIGHUP);
	MUST(sigprocmask(SIG_BLOCK, &stop, NULL));
	(void) signal(SIGPIPE, SIG_IGN);
	fd = (int) MUST(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

static void loop_watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static int listen_on(const char *directory, const char *name, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = (int) MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/.new", directory);
	MUST(bind(fd, (const struct sockaddr *) &address, sizeof(address)));
	MUST(lchown(address.sun_path, (uid_t) -1, (gid_t) -1));
	MUST(chmod(address.sun_path, mode));
	MUST(listen(fd, SOCKET_BACKLOG));
	MUST(rename(address.sun_path, path_in(directory, name)));
	return fd;
}

static void connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = (int) MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	MUST(connect(fd, (const struct sockaddr *) &address, sizeof(address)));
}

/* Returns its descriptor. */
static int lock(const char *directory, const char *name)
{
	const char *path = path_in(directory, name);
	struct flock whole = { .l_type = F_WRLCK };
	struct stat st;
	int fd = (int) MUST(open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));

	MUST(fcntl(fd, F_OFD_SETLKW, &whole));
	MUST(fstat(fd, &st));
	MUST(stat(path, &st));
	return fd;
}

/* The first lock is held for a moment only: it keeps the folder from being removed meanwhile. */
static void lock_all(const Start *start)
{
	struct stat st;
	int gate, fd;

	(void) mkdir(start->runtime_directory, 0755);
	gate = lock(start->runtime_directory, ".lock");
	fd = lock(start->runtime_directory, ".bare.lock");
	MUST(ftruncate(fd, 0));
	MUST(pwrite(fd, "12345\n", 6, 0));
	MUST(close(gate));
	(void) lstat(path_in(start->runtime_directory, "bare"), &st);
	fd = open_as(start->uid, start->disk, O_RDWR);
	MUST(flock(fd, LOCK_EX | LOCK_NB));
}

static void make_directories(const Start *start, const char *directory)
{
	MUST(mkdir(directory, 0711));
	MUST(mkdir(path_in(directory, "vmm"), 0700));
	MUST(chmod(directory, 0711));
	MUST(chown(path_in(directory, "vmm"), start->uid, start->uid));
}

static void make_tap(const Start *start)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int nl = netlink_open(), wait = netlink_open();
	int bridge = link_index(wait, start->bridge), tap;

	MUST(close(wait));
	tap = (int) MUST(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
	(void) snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", start->tap);
	MUST(ioctl(tap, TUNSETIFF, &request));
	link_join(nl, link_index(nl, start->tap), bridge);
	(void) link_index(nl, start->tap);
}

static int make_console(int epoll)
{
	int master = (int) MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
	struct termios raw;
	int slave, unlocked = 0;
	unsigned number;

	MUST(ioctl(master, TIOCGPTN, &number));
	MUST(ioctl(master, TIOCSPTLCK, &unlocked));
	slave = (int) MUST(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	MUST(tcgetattr(slave, &raw));
	cfmakeraw(&raw);
	MUST(tcsetattr(slave, TCSANOW, &raw));
	MUST(fcntl(master, F_DUPFD_CLOEXEC, 3));
	loop_watch(epoll, master);
	MUST(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
	return slave;
}

static int make_pipe(int epoll, int bytes)
{
	int fds[2];

	MUST(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	MUST(fcntl(fds[1], F_SETPIPE_SZ, bytes));
	if (bytes == OUTPUT_PIPE_BYTES)
		loop_watch(epoll, fds[0]);
	return fds[1];
}

/* The child. */

typedef struct Call {
	const Start *start;
	const Given *given;
} Call;

static void child_reset_signals(void)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	for (int i = 1; i < NSIG; i++)
		(void) sigaction(i, &standard, NULL);
}

static void child_place_fds(const Given *given)
{
	const int fds[] = { given->console, given->console, given->listener, given->events,
			    given->output };
	const int numbers[] = { STDIN_FILENO, STDOUT_FILENO, API_FD, EVENTS_FD, STDERR_FILENO };
	int high[5];

	for (int i = 0; i < 5; i++)
		high[i] = (int) MUST(fcntl(fds[i], F_DUPFD_CLOEXEC, EVENTS_FD + 1));
	for (int i = 0; i < 5; i++)
		MUST(dup2(high[i], numbers[i]));
	MUST(close_range(EVENTS_FD + 1, ~0U, 0));
}

static int child_main(void *userdata)
{
	const Call *call = userdata;
	const char *vmm = call->start->vmm;
	uid_t uid = call->start->uid;
	char *const environment[] = { NULL };
	sigset_t nothing;

	child_reset_signals();
	child_place_fds(call->given);
	MUST(setsid());
	(void) umask(077);
	MUST(syscall(SYS_setgroups, 0, NULL));
	MUST(syscall(SYS_setresgid, uid, uid, uid));
	MUST(syscall(SYS_setresuid, uid, uid, uid));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L));
	memset(capabilities, 0, sizeof(capabilities));
	capabilities_call(SYS_capset);
	MUST(chdir("/"));
	(void) sigemptyset(&nothing);
	(void) sigprocmask(SIG_SETMASK, &nothing, NULL);
	MUST(execle(vmm, vmm, "--api-socket", "fd=3", "--event-monitor", "fd=4", "--no-shutdown",
		    NULL, environment));
	return EXIT_FAILURE;
}

static void spawn_vmm(const Start *start, const Given *given)
{
	Call call = { start, given };
	int pidfd;
	sigset_t all;
	char *stack;

	MUST(open("/dev/null", O_RDWR | O_CLOEXEC));
	stack = mmap(NULL, CHILD_STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	(void) sigfillset(&all);
	(void) sigprocmask(SIG_BLOCK, &all, NULL);
	MUST(clone(child_main, stack + CHILD_STACK_BYTES,
		   CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &call, &pidfd));
}

int main(int argc, char **argv)
{
	unsigned long long began;
	Start start;
	Given given;
	char directory[64];
	int epoll;

	stamp_open_from_environment();
	began = monotonic_nsec();
	stamp_number("main", began);
	if (argc != 10) {
		(void) fprintf(stderr, "usage: baseline SPEC-DIR STATE-DIR RUNTIME-DIR KERNEL DISK "
				       "VMM BRIDGE TAP UID\n");
		return EXIT_FAILURE;
	}
	start = (Start){ argv[1], argv[2], argv[3],
			 argv[4], argv[5], argv[6],
			 argv[7], argv[8], (uid_t) strtoul(argv[9], NULL, 10) };
	(void) snprintf(directory, sizeof(directory), "%s/bare", start.runtime_directory);

	capabilities_call(SYS_capget);
	look_at_host(&start);
	epoll = make_loop();
	lock_all(&start);
	make_directories(&start, directory);
	given.console = make_console(epoll);
	given.listener = listen_on(directory, "api.sock", 0600);
	connect_to(path_in(directory, "api.sock"));
	given.events = make_pipe(epoll, EVENTS_PIPE_BYTES);
	given.output = make_pipe(epoll, OUTPUT_PIPE_BYTES);
	spawn_vmm(&start, &given);
	/* As mvmd does: what cloud-hypervisor does not wait for comes beside it. */
	loop_watch(epoll, listen_on(directory, "control", 0666));
	make_tap(&start);
	return EXIT_SUCCESS;
}
