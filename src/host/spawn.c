/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/spawn.h"
#include "mvmd/exit-codes.h"

/* Room for struct sigaction of any Linux (include/linux/signal_types.h), and sizeof(sigset_t) there. */
#define KERNEL_SIGACTION_BYTES 64
#define KERNEL_SIGSET_BYTES    8

#define CHILD_STACK_BYTES    (64 * KIB)
#define CHILD_UMASK	     077
#define EXIT_NOT_STARTED     127 /* as the shell has it; nobody reads it, see SpawnCall.error */
#define SPAWN_READ_MAX_BYTES (4 * KIB)
#define SPAWN_LIMIT_SEC	     5 /* from the clone to the exec: it takes some 100 us */

/*
 * What runs in the child shares our memory until the exec (CLONE_VM). AddressSanitizer must stay out of
 * it: a function that ends in an exec never unpoisons its stack frame.
 */
#define _in_child_ __attribute__((no_sanitize("address", "undefined")))

static char *const child_environment[] = {
	(char[]){ "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	(char[]){ "LANG=C.UTF-8" },
	NULL,
};

typedef enum SpawnStage {
	SPAWN_FDS,
	SPAWN_SESSION,
	SPAWN_GROUPS,
	SPAWN_GID,
	SPAWN_UID,
	SPAWN_CAPABILITIES,
	SPAWN_DIRECTORY,
	SPAWN_EXEC,
	_SPAWN_STAGE_MAX,
} SpawnStage;

static const char *const stage_words[_SPAWN_STAGE_MAX] = {
	[SPAWN_FDS] = "cannot hand over its file descriptors",
	[SPAWN_SESSION] = "cannot make a session for it",
	[SPAWN_GROUPS] = "cannot set its supplementary groups",
	[SPAWN_GID] = "cannot set its group",
	[SPAWN_UID] = "cannot set its user",
	[SPAWN_CAPABILITIES] = "cannot take its capabilities away",
	[SPAWN_DIRECTORY] = "cannot change to /",
	[SPAWN_EXEC] = "cannot execute it",
};

/* Shared by parent and child: orders one way, what went wrong the other. */
typedef struct SpawnCall {
	const SpawnConfig *config;
	bool switch_identity;
	SpawnFd *fds; /* config's, and /dev/null for those of 0-2 that it leaves out */
	size_t n_fds;
	int first_free; /* above all numbers that the child is to have */
	SpawnStage stage;
	int error; /* -errno of stage; 0: the exec worked */
} SpawnCall;

/*
 * A handler of ours must not run in our own memory once the mask is empty again, and what we ignore
 * (SIGPIPE) the program would go on ignoring: execve(2) resets only what is caught.
 */
_in_child_ static void child_reset_signals(void)
{
	/*
	 * The kernel's own struct of all zeros is SIG_DFL without flags or mask. glibc's sigaction() refuses
	 * signals 32 and 33, and whoever started us may have left them ignored (make does).
	 */
	const char standard[KERNEL_SIGACTION_BYTES] = { 0 };

	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP)
			(void) syscall(SYS_rt_sigaction, i, standard, NULL, KERNEL_SIGSET_BYTES);
}

_in_child_ static bool child_wants_fd(const SpawnCall *call, int number)
{
	for (size_t i = 0; i < call->n_fds; i++)
		if (call->fds[i].number == number)
			return true;
	return false;
}

/*
 * A source may have the number that another one is to get: so all are first copied out of the way,
 * then put in their places, and then whatever else is open is closed.
 */
_in_child_ static int child_place_fds(SpawnCall *call)
{
	for (size_t i = 0; i < call->n_fds; i++) {
		int copy = fcntl(call->fds[i].fd, F_DUPFD_CLOEXEC, call->first_free);

		if (copy < 0)
			return -errno;
		call->fds[i].fd = copy;
	}
	for (size_t i = 0; i < call->n_fds; i++)
		if (dup2(call->fds[i].fd, call->fds[i].number) < 0)
			return -errno;

	for (int i = STDERR_FILENO + 1; i < call->first_free; i++)
		if (!child_wants_fd(call, i))
			(void) close(i);
	if (close_range((unsigned) call->first_free, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* On 32 bits the calls of these names take ids of 16 bits: uid 400000 would be 6784. */
_Static_assert(sizeof(long) == 8, "SYS_setresuid takes whole ids");

/* By number: glibc's functions would signal "all other threads", and those are our parent's. */
_in_child_ static int child_switch_identity(SpawnCall *call)
{
	const Identity *identity = call->config->identity;

	call->stage = SPAWN_GROUPS;
	if (syscall(SYS_setgroups, identity->n_groups, identity->groups) < 0)
		return -errno;
	call->stage = SPAWN_GID;
	if (syscall(SYS_setresgid, identity->gid, identity->gid, identity->gid) < 0)
		return -errno;
	call->stage = SPAWN_UID;
	if (syscall(SYS_setresuid, identity->uid, identity->uid, identity->uid) < 0)
		return -errno;
	return 0;
}

/*
 * With no_new_privs the exec cannot give uid 0 its capabilities back (security/commoncap.c:
 * cap_bprm_creds_from_file intersects with what there was before).
 */
_in_child_ static int child_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
		return -errno;
	if (syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return 0;
}

_in_child_ static int child_prepare(SpawnCall *call)
{
	sigset_t nothing;
	int r;

	child_reset_signals();
	call->stage = SPAWN_FDS;
	r = child_place_fds(call);
	if (r < 0)
		return r;

	call->stage = SPAWN_SESSION;
	if (setsid() < 0)
		return -errno;
	(void) umask(CHILD_UMASK);

	if (call->switch_identity) {
		r = child_switch_identity(call);
		if (r < 0)
			return r;
	}
	if (!call->config->keep_capabilities) {
		call->stage = SPAWN_CAPABILITIES;
		r = child_drop_capabilities();
		if (r < 0)
			return r;
	}

	call->stage = SPAWN_DIRECTORY;
	if (chdir("/") < 0)
		return -errno;
	(void) sigemptyset(&nothing);
	(void) sigprocmask(SIG_SETMASK, &nothing, NULL);
	return 0;
}

_in_child_ static int child_main(void *userdata)
{
	SpawnCall *call = userdata;

	call->error = child_prepare(call);
	if (call->error < 0)
		return EXIT_NOT_STARTED;

	call->stage = SPAWN_EXEC;
	(void) execve(call->config->path, call->config->argv, child_environment);
	call->error = -errno;
	return EXIT_NOT_STARTED;
}

/* Lists what the child is to have; null_fd stands in for what config leaves out of 0-2. */
static int call_list_fds(SpawnCall *call, int null_fd)
{
	const SpawnConfig *config = call->config;

	call->fds = calloc(config->n_fds + STDERR_FILENO + 1, sizeof(*call->fds));
	if (!call->fds)
		return -ENOMEM;

	call->first_free = STDERR_FILENO + 1;
	for (size_t i = 0; i < config->n_fds; i++) {
		call->fds[call->n_fds++] = config->fds[i];
		if (config->fds[i].number >= call->first_free)
			call->first_free = config->fds[i].number + 1;
	}
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (!child_wants_fd(call, i))
			call->fds[call->n_fds++] = (SpawnFd){ null_fd, i };
	return 0;
}

/* An unprivileged process stays what it is; it may not even set the groups that it has. */
static bool must_switch(const Identity *identity)
{
	if (!identity)
		return false;
	return geteuid() == 0 || identity->uid != getuid() || identity->gid != getgid();
}

int pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

/*
 * Sleeps until the child shares our memory no longer: the kernel then writes 0 to *shared and wakes us
 * (CLONE_CHILD_CLEARTID; kernel/fork.c: mm_release). Not CLONE_VFORK, which has no limit: once the child is
 * its new user, every process of that user can stop it with SIGSTOP, and a VMM that its guest has taken over
 * would have us asleep for ever.
 */
static int wait_for_exec(const int *shared, int pidfd)
{
	const struct timespec limit = { .tv_sec = SPAWN_LIMIT_SEC };
	int r = 0;

	while (__atomic_load_n(shared, __ATOMIC_ACQUIRE) != 0)
		if (syscall(SYS_futex, shared, FUTEX_WAIT, 1, &limit, NULL, 0) < 0 &&
		    errno == ETIMEDOUT) {
			(void) pidfd_signal(pidfd, SIGKILL);
			r = -ETIMEDOUT;
		}
	return r;
}

/*
 * clone(2) instead of fork(2): nothing is copied, and the pidfd comes with it. The parent sleeps until
 * the exec or the end, all signals blocked, so that no handler runs in the child.
 */
static int clone_and_exec(SpawnCall *call, pid_t *ret_pid, int *ret_pidfd)
{
	const int flags = CLONE_VM | CLONE_PIDFD | CLONE_CHILD_CLEARTID | SIGCHLD;
	int pidfd = -EBADF, shared = 1, error;
	sigset_t all, before;
	char *stack;
	pid_t pid;

	stack = mmap(NULL, CHILD_STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;

	(void) sigfillset(&all);
	(void) sigprocmask(SIG_BLOCK, &all, &before);
	pid = clone(child_main, stack + CHILD_STACK_BYTES, flags, call, &pidfd, NULL, &shared);
	error = pid < 0 ? -errno : wait_for_exec(&shared, pidfd);
	(void) sigprocmask(SIG_SETMASK, &before, NULL);
	(void) munmap(stack, CHILD_STACK_BYTES);
	if (pid < 0)
		return error;

	if (error == 0)
		error = call->error;
	if (error < 0) {
		(void) close(pidfd);
		(void) waitpid(pid, NULL, 0);
		return error;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

static int spawn_remedy(const SpawnCall *call, int error, Fault *fault)
{
	const char *path = call->config->path;

	if (call->stage == SPAWN_EXEC && error == -ENOENT)
		return fault_remedy(fault,
				    "it or its interpreter is missing: head -n 1 %s, ldd %s; "
				    "install it again",
				    path, path);
	if (call->stage == SPAWN_EXEC && error == -ENOEXEC)
		return fault_remedy(fault, "file %s; install the one for this host", path);
	return fault_remedy(fault, "start it by hand: %s --version; ulimit -a", path);
}

static int spawn_fault(const SpawnCall *call, int error, Fault *fault)
{
	const char *path = call->config->path;
	int exit_code = MVMD_EXIT_SYSTEM;

	if (error == -ETIMEDOUT) {
		(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "spawn-failed",
				 "cannot start %s: it did not begin within %ds", path,
				 SPAWN_LIMIT_SEC);
		(void) fault_why(fault, "its file cannot be read now, or another process of its "
					"user stopped it");
		return fault_remedy(fault, "ps -o pid,user,stat,args -e");
	}
	if (call->error == 0)
		return fault_set(fault, error, MVMD_EXIT_SYSTEM, "spawn-failed",
				 "cannot start %s: %m", path);
	if (error == -EACCES || error == -EPERM)
		exit_code = MVMD_EXIT_PERMISSION;
	else if (call->stage == SPAWN_EXEC)
		exit_code = MVMD_EXIT_UNAVAILABLE;
	(void) fault_set(fault, error, exit_code, "spawn-failed", "cannot start %s: %s: %m", path,
			 stage_words[call->stage]);
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_evidence(fault, "stage", "%s", stage_words[call->stage]);
	if (call->stage == SPAWN_EXEC && call->switch_identity)
		(void) fault_why(fault, "it was tried as uid %u, gid %u",
				 (unsigned) call->config->identity->uid,
				 (unsigned) call->config->identity->gid);
	return spawn_remedy(call, error, fault);
}

int spawn(const SpawnConfig *config, pid_t *ret_pid, int *ret_pidfd, Fault *fault)
{
	SpawnCall call = { .config = config, .switch_identity = must_switch(config->identity) };
	_cleanup_close_ int null_fd = -EBADF;
	int r;

	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return spawn_fault(&call, -errno, fault);

	r = call_list_fds(&call, null_fd);
	if (r == 0)
		r = clone_and_exec(&call, ret_pid, ret_pidfd);
	free(call.fds);
	return r < 0 ? spawn_fault(&call, r, fault) : 0;
}

/* Waits until fd is readable, or at its end. 0, -ETIMEDOUT past the deadline, -errno. */
static int wait_readable(int fd, uint64_t deadline_usec)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		uint64_t now = now_usec(), left = deadline_usec > now ? deadline_usec - now : 0;
		const struct timespec timeout = {
			.tv_sec = (time_t) (left / USEC_PER_SEC),
			.tv_nsec = (long) (left % USEC_PER_SEC * NSEC_PER_USEC),
		};
		int n = ppoll(&poll_fd, 1, &timeout, NULL);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* Reads fd to its end, of which *ret gets the beginning. */
static int read_to_end(int fd, uint64_t deadline_usec, char **ret)
{
	_cleanup_(str_buf_done) StrBuf text = { 0 };
	char chunk[512];

	for (;;) {
		ssize_t n;
		int r = wait_readable(fd, deadline_usec);

		if (r < 0)
			return r;
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0)
			return -errno;
		if (n == 0)
			return str_buf_take(&text, ret);
		if (text.length + (size_t) n <= SPAWN_READ_MAX_BYTES)
			str_buf_add_bytes(&text, chunk, (size_t) n);
	}
}

/* Starts the program with a pipe as its descriptor 'output', of which *ret_reader is the one end left to us. */
static int spawn_with_pipe(const SpawnConfig *config, int output, pid_t *ret_pid, int *ret_pidfd,
			   int *ret_reader, Fault *fault)
{
	_cleanup_close_ int reader = -EBADF, writer = -EBADF;
	SpawnConfig with_pipe = *config;
	_cleanup_free_ SpawnFd *list = calloc(config->n_fds + 1, sizeof(*list));
	int fds[2], r;

	if (!list)
		return fault_oom(fault);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	reader = fds[0];
	writer = fds[1];

	if (config->n_fds > 0)
		memcpy(list, config->fds, config->n_fds * sizeof(*list));
	list[config->n_fds] = (SpawnFd){ writer, output };
	with_pipe.fds = list;
	with_pipe.n_fds = config->n_fds + 1;
	r = spawn(&with_pipe, ret_pid, ret_pidfd, fault);
	if (r < 0)
		return r;
	*ret_reader = TAKE_FD(reader);
	return 0;
}

int spawn_to_end(const SpawnConfig *config, int output, uint64_t timeout_usec, char **ret_text,
		 int *ret_status, Fault *fault)
{
	uint64_t deadline_usec = now_usec() + timeout_usec;
	_cleanup_close_ int reader = -EBADF, pidfd = -EBADF;
	_cleanup_free_ char *text = NULL;
	pid_t pid = 0;
	int r;

	r = spawn_with_pipe(config, output, &pid, &pidfd, &reader, fault);
	if (r < 0)
		return r;

	r = read_to_end(reader, deadline_usec, &text);
	if (r == 0)
		r = wait_readable(pidfd, deadline_usec);
	if (r < 0)
		(void) pidfd_signal(pidfd, SIGKILL);
	(void) waitpid(pid, ret_status, 0);
	if (r == 0)
		*ret_text = TAKE_PTR(text);
	return r;
}

int spawn_read(const char *path, char *const *argv, uint64_t timeout_usec, char **ret)
{
	/*
	 * QEMU's virtiofsd gives up its supplementary groups before it tells its version, which it may not
	 * without capabilities: then root, which has some under sudo, has to do that for it.
	 */
	const Identity without_groups = { .uid = geteuid(), .gid = getegid() };
	const SpawnConfig config = { .path = path,
				     .argv = argv,
				     .identity = geteuid() == 0 ? &without_groups : NULL };
	_cleanup_(fault_done)
		Fault fault = { 0 }; /* a program that will not tell its version is no fault */
	_cleanup_free_ char *text = NULL;
	int status = 0;
	int r = spawn_to_end(&config, STDOUT_FILENO, timeout_usec, &text, &status, &fault);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return -ENOEXEC;
	*ret = TAKE_PTR(text);
	return 0;
}
