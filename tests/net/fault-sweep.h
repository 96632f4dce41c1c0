/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the sweeps share. A sweep fails every step of a plan in turn, and what follows the steps, and looks at the
 * host before and after: links, their addresses, queues and ports, processes, descriptors, locks, files. The steps
 * are those that the plan has at run time; a new one is swept without a change here. A program that includes this is
 * linked with --wrap for the functions below that begin with __wrap, and has sweep_all().
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/log.h"
#include "cli/prepare.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"
#include "net/traces.h"
#include "run/apply.h"
#include "vm.h"

/* How long the kernel and killed grandchildren may take until nothing is left. */
#define SETTLE_STEPS	 3000
#define SETTLE_STEP_USEC (10 * USEC_PER_MSEC)
/* The code of the fault that is put in; no real one of this plan has it. */
#define EXIT_INJECTED MVMD_EXIT_BUG

typedef enum Injection {
	INJECT_NOTHING, /* the guest powers off by itself */
	INJECT_INSTEAD, /* the step fails and does nothing */
	INJECT_AFTER, /* it fails when it is done, and what it did is there */
	INJECT_SIGNAL, /* it is done, and SIGTERM comes */
	_INJECTION_MAX,
} Injection;

static const char *const injection_words[_INJECTION_MAX] = {
	[INJECT_NOTHING] = "undisturbed",
	[INJECT_INSTEAD] = "fails instead",
	[INJECT_AFTER] = "fails once done",
	[INJECT_SIGNAL] = "SIGTERM once done",
};

/* What comes behind the last step. */
typedef enum Request {
	REQUEST_NONE,
	REQUEST_CREATE,
	REQUEST_BOOT,
} Request;

/* More than the plan below has. */
#define STEPS_MAX 64

static struct {
	Injection injection;
	size_t step;
	Request request;
	size_t n_steps; /* of the plan, known after a first run */
	struct {
		StepKind kind;
		size_t subject;
		char id[64];
	} steps[STEPS_MAX];
	bool struck;
} sweep;

static char folder[] = "/tmp/mvmd-sweep-XXXXXX";

const StepOps *__real_step_ops(StepKind kind);
const StepOps *__wrap_step_ops(StepKind kind);
void __real_apply_step_done(Apply *apply, StepKind kind, size_t subject, const Fault *fault);
void __wrap_apply_step_done(Apply *apply, StepKind kind, size_t subject, const Fault *fault);
int __real_vmm_create(Vmm *vmm);
int __wrap_vmm_create(Vmm *vmm);
int __real_vmm_boot(Vmm *vmm);
int __wrap_vmm_boot(Vmm *vmm);

static int set_injected(Fault *fault)
{
	sweep.struck = true;
	return fault_set(fault, -EIO, EXIT_INJECTED, "injected", "a fault was put in");
}

static bool is_swept(const Plan *plan, const PlanStep *step)
{
	return sweep.request == REQUEST_NONE && sweep.injection != INJECT_NOTHING &&
	       (size_t) (step - plan->steps) == sweep.step;
}

static int on_applied_step(sd_event_source *source, void *userdata)
{
	Resources *resources = userdata;
	const PlanStep *step = &resources->plan->steps[sweep.step];
	Fault fault = { 0 };

	(void) set_injected(&fault);
	__real_apply_step_done(resources->apply, step->kind, step->subject, &fault);
	fault_done(&fault);
	return 0;
}

/* A step that is done at once is made one that takes time, and then fails. */
static int apply_swept(Resources *resources, const PlanStep *step, Fault *fault)
{
	int r;

	if (!is_swept(resources->plan, step))
		return __real_step_ops(step->kind)->apply(resources, step, fault);
	if (sweep.injection == INJECT_INSTEAD)
		return set_injected(fault);
	r = __real_step_ops(step->kind)->apply(resources, step, fault);
	if (sweep.injection == INJECT_SIGNAL) {
		sweep.struck = true;
		assert_int_equal(raise(SIGTERM), 0);
	} else if (r == 0) {
		assert_true(sd_event_add_defer(resources->event, NULL, on_applied_step,
					       resources) >= 0);
		r = STEP_LATER;
	}
	return r;
}

const StepOps *__wrap_step_ops(StepKind kind)
{
	static StepOps ops[_STEP_KIND_MAX];

	ops[kind] = (StepOps){ apply_swept, __real_step_ops(kind)->undo };
	return &ops[kind];
}

/* The end of a step that takes time of its own. */
void __wrap_apply_step_done(Apply *apply, StepKind kind, size_t subject, const Fault *fault)
{
	bool swept = sweep.request == REQUEST_NONE && sweep.injection == INJECT_AFTER && !fault &&
		     sweep.steps[sweep.step].kind == kind &&
		     sweep.steps[sweep.step].subject == subject;
	Fault injected = { 0 };

	if (swept) {
		(void) set_injected(&injected);
		fault = &injected;
	}
	__real_apply_step_done(apply, kind, subject, fault);
	fault_done(&injected);
}

/* The request is not made, or it is made and the VMM dies of it. */
static int request_swept(Vmm *vmm, Request request, int (*real)(Vmm *vmm))
{
	int r;

	if (sweep.request != request)
		return real(vmm);
	sweep.struck = true;
	if (sweep.injection == INJECT_INSTEAD)
		return -EIO;
	r = real(vmm);
	assert_int_equal(kill(sweep.injection == INJECT_SIGNAL ? getpid() : vmm_pid(vmm),
			      sweep.injection == INJECT_SIGNAL ? SIGTERM : SIGKILL),
			 0);
	return r;
}

int __wrap_vmm_create(Vmm *vmm)
{
	return request_swept(vmm, REQUEST_CREATE, __real_vmm_create);
}

int __wrap_vmm_boot(Vmm *vmm)
{
	return request_swept(vmm, REQUEST_BOOT, __real_vmm_boot);
}

static void note_step(size_t i, const PlanStep *step)
{
	sweep.steps[i].kind = step->kind;
	sweep.steps[i].subject = step->subject;
	(void) snprintf(sweep.steps[i].id, sizeof(sweep.steps[i].id), "%s", step->id);
}

/* One run of the whole, from the spec to the end. Returns its exit code, and notes the plan's steps. */
static int run_once(const char *spec)
{
	char run[64], state[64];
	const Places places = { folder, run, state, folder, false, run };
	VmOptions options = { .console_fd = -EBADF, .state_directory = state };
	VmOutcome outcome = { 0 };
	Prepared prepared;
	int exit_code;

	assert_int_equal(kept_new(&options.kept), 0);
	(void) snprintf(run, sizeof(run), "%s/run", folder);
	(void) snprintf(state, sizeof(state), "%s/state", folder);
	exit_code = prepare(&places, spec, PREPARE_FOR_START, &prepared);
	if (exit_code == MVMD_EXIT_OK) {
		sweep.n_steps = prepared.plan->n_steps;
		assert_true(sweep.n_steps <= STEPS_MAX);
		for (size_t i = 0; i < sweep.n_steps; i++)
			note_step(i, &prepared.plan->steps[i]);
		exit_code = vm_run(prepared.plan, &options, &outcome);
	}
	prepared_done(&prepared);
	(void) kept_free(options.kept);
	return exit_code;
}

/* Looks until all is as before, or for so long that it is a leak. */
static size_t compare(const StrList *before, const char *where, StrBuf *report)
{
	size_t n = 0;

	for (size_t i = 0; i < SETTLE_STEPS; i++) {
		_cleanup_(str_buf_done) StrBuf differences = { 0 };
		StrList after = traces_take(where);

		n = traces_add_missing(&after, before, '+', &differences);
		n += traces_add_missing(before, &after, '-', &differences);
		str_list_done(&after);
		if (n == 0)
			return 0;
		if (i == SETTLE_STEPS - 1)
			str_buf_add(report, "%s", differences.text);
		(void) usleep(SETTLE_STEP_USEC);
	}
	return n;
}

/* Returns true where the run ended as it should and left nothing. */
static bool sweep_once(const char *spec, const char *what, Injection injection)
{
	static const int wanted[_INJECTION_MAX] = {
		[INJECT_INSTEAD] = EXIT_INJECTED, [INJECT_AFTER] = EXIT_INJECTED
	};
	_cleanup_(str_buf_done) StrBuf report = { 0 };
	int exit_code, wanted_code = wanted[injection];
	char run[64];
	StrList before;
	size_t n;

	(void) snprintf(run, sizeof(run), "%s/run", folder);
	sweep.injection = injection;
	sweep.struck = false;
	if (wanted_code && sweep.request != REQUEST_NONE)
		wanted_code = MVMD_EXIT_VMM;

	before = traces_take(run);
	exit_code = run_once(spec);
	n = compare(&before, run, &report);
	str_list_done(&before);
	if (n == 0 && exit_code == wanted_code && (sweep.struck || injection == INJECT_NOTHING))
		return true;
	printf("# %s: %s: %s, exit code %d (wanted %d), left:\n%s", spec, what,
	       injection_words[injection], exit_code, wanted_code, report.text ?: "");
	return false;
}

static void sweep_spec(const char *spec)
{
	static const char *const requests[] = {
		[REQUEST_CREATE] = "create", [REQUEST_BOOT] = "boot"
	};
	size_t n_bad = 0;

	sweep.request = REQUEST_NONE;
	n_bad += !sweep_once(spec, "all steps", INJECT_NOTHING);
	for (Injection injection = INJECT_INSTEAD; injection < _INJECTION_MAX; injection++) {
		sweep.request = REQUEST_NONE;
		for (sweep.step = 0; sweep.step < sweep.n_steps; sweep.step++)
			n_bad += !sweep_once(spec, sweep.steps[sweep.step].id, injection);
		for (sweep.request = REQUEST_CREATE; sweep.request <= REQUEST_BOOT; sweep.request++)
			n_bad += !sweep_once(spec, requests[sweep.request], injection);
	}
	printf("# %s: %zu steps swept\n", spec, sweep.n_steps);
	assert_int_equal(n_bad, 0);
}

_unused_ static void skip_without(const char *program)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *folders = strdup(path ?: "/usr/bin");

	for (char *rest = folders, *each; (each = strsep(&rest, ":"));) {
		_cleanup_free_ char *file = str_printf("%s/%s", each, program);

		if (file && access(file, X_OK) == 0)
			return;
	}
	printf("# SKIP: %s is not installed\n", program);
	skip();
}

/* Before a sweep with cloud-hypervisor. */
static void skip_without_kvm(void)
{
	skip_without("cloud-hypervisor");
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		printf("# SKIP: no usable /dev/kvm\n");
		skip();
	}
}

/* Where every user may read it; the guest lies beside the tests in the build folder. */
static void copy_guest(void)
{
	char program[PATH_MAX] = "", from[PATH_MAX + 32], to[64], bytes[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int in, out;

	assert_true(n > 0);
	*strrchr(program, '/') = '\0';
	(void) snprintf(from, sizeof(from), "%s/../guest/tiny.elf", program);
	(void) snprintf(to, sizeof(to), "%s/kernel", folder);
	in = open(from, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t) n), n);
	(void) close(in);
	(void) close(out);
}

_unused_ static void make_file(const char *name, off_t size, mode_t mode)
{
	char path[64];
	int fd;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	(void) close(fd);
}

/* A device node for every user, as distributions have it; there may be none. */
static void open_kvm(void)
{
	char path[64];

	(void) snprintf(path, sizeof(path), "%s/kvm", folder);
	if (access("/dev/kvm", F_OK) < 0)
		return;
	assert_int_equal(mknod(path, S_IFCHR | 0666, makedev(10, 232)), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(mount(path, "/dev/kvm", NULL, MS_BIND, NULL), 0);
}

/*
 * With an address and a carrier of its own, from another port: else what a bridge does by itself at its first port
 * would count as ours.
 */
static void make_bridge(const char *bridge, int number)
{
	ip("link add %s address 02:00:5e:00:53:%02d type bridge", bridge, number);
	ip("link set %s addrgenmode none", bridge);
	ip("link set %s up", bridge);
	ip("link add %s-port master %s type veth peer name %s-peer", bridge, bridge, bridge);
	ip("link set %s-peer addrgenmode none up", bridge);
	ip("link set %s-port addrgenmode none up", bridge);
}

/* A rule of the host's own, where it can have one: an empty ruleset would tell of additions only. */
static void make_rule(void)
{
	(void) !system("nft add table bridge mvmd-sweep 2>/dev/null");
}

/* The folder with what every guest needs. */
static void make_folder(void)
{
	log_never_wait(); /* opens a descriptor once and for all */
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0777), 0);
	copy_guest();
	open_kvm();
	make_rule();
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int teardown(void **state)
{
	(void) umount2("/dev/kvm", MNT_DETACH);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* The tests of the program, in namespaces of their own. */
static int sweep_all(void);

static int sweep_in_namespaces(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		return EXIT_FAILURE;
	return sweep_all();
}

/* The first process of the namespace: orphans of others come to it, and their ends are no leak. */
static int reap_for(pid_t tests)
{
	int status = 0, result = EXIT_FAILURE;
	pid_t pid;

	while ((pid = waitpid(-1, &status, 0)) > 0 && pid != tests)
		;
	if (pid == tests && WIFEXITED(status))
		result = WEXITSTATUS(status);
	return result;
}

static int sweep_main(void)
{
	pid_t pid;
	int status;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return EXIT_SUCCESS;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		return EXIT_FAILURE;
	(void) fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
		pid = fork();
		if (pid == 0)
			exit(sweep_in_namespaces());
		_exit(reap_for(pid));
	}
	/* Behind the unshare this process can start no thread, and LeakSanitizer would at a normal end. */
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(EXIT_FAILURE);
	_exit(WEXITSTATUS(status));
}
