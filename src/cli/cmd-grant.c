/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/spec-load.h"
#include "host/access.h"
#include "host/probe.h"
#include "host/spawn.h"
#include "mvmd/exit-codes.h"

#define ACL_ENTRIES_MAX 512 /* more than a file system's xattr holds */

/* One entry in the access control list of one file (of all below it, where recursive). */
typedef struct Grant {
	char *path;
	uid_t uid;
	const char *rights; /* as setfacl(1) writes them */
	bool recursive; /* a shared folder: the default entry of its directories, too */
} Grant;

typedef struct GrantRun {
	bool revoke, dry_run;
	char *setfacl;
	Grant *grants;
	size_t n_grants;
} GrantRun;

static void run_done(GrantRun *run)
{
	for (size_t i = 0; i < run->n_grants; i++)
		free(run->grants[i].path);
	free(run->grants);
	free(run->setfacl);
}

/* Whether a list has an entry for uid: acl(5), the format is linux/posix_acl_xattr.h. */
static bool acl_names(const char *path, const char *attribute, uid_t uid)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[ACL_ENTRIES_MAX];
	} acl;
	ssize_t size = getxattr(path, attribute, &acl, sizeof(acl));

	if (size < (ssize_t) sizeof(acl.header))
		return false;
	size = (size - (ssize_t) sizeof(acl.header)) / (ssize_t) sizeof(acl.entries[0]);
	for (ssize_t i = 0; i < size; i++)
		if (le16toh(acl.entries[i].e_tag) == ACL_USER &&
		    le32toh(acl.entries[i].e_id) == uid)
			return true;
	return false;
}

/* To grant: where the right is missing. To revoke: where there is an entry. */
static bool is_wanted(const GrantRun *run, const Identity *who, const char *path, int mode)
{
	if (run->revoke)
		return acl_names(path, "system.posix_acl_access", who->uid) ||
		       acl_names(path, "system.posix_acl_default", who->uid);
	return access_as(who, path, mode) == -EACCES;
}

static bool is_listed(const GrantRun *run, const char *path, uid_t uid)
{
	for (size_t i = 0; i < run->n_grants; i++)
		if (run->grants[i].uid == uid && streq(run->grants[i].path, path))
			return true;
	return false;
}

static int add_grant(GrantRun *run, const Grant *grant)
{
	char *path;

	if (is_listed(run, grant->path, grant->uid))
		return 0;
	path = strdup(grant->path);
	if (!path || array_grow(&run->grants, run->n_grants, sizeof(*run->grants)) < 0) {
		free(path);
		return -ENOMEM;
	}
	run->grants[run->n_grants] = *grant;
	run->grants[run->n_grants++].path = path;
	return 0;
}

/* A directory on the way, by its real name: a link to it is no second one. */
static int add_parent(GrantRun *run, const Identity *who, const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	Grant grant = { .path = real, .uid = who->uid, .rights = "x" };

	if (!real)
		return -errno;
	return is_wanted(run, who, real, X_OK) ? add_grant(run, &grant) : 0;
}

/* All of them; path is written to meanwhile. */
static int add_parents(GrantRun *run, const Identity *who, char *path)
{
	int r = 0;

	for (char *slash = path; r == 0 && (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		r = add_parent(run, who, path);
		*slash = '/';
	}
	return r;
}

/* A file and the way to it; both ways, where a symbolic link is on it. */
static int add_path(GrantRun *run, const Identity *who, const char *path, int mode, Grant grant)
{
	_cleanup_free_ char *written = NULL, *real = NULL;
	int r;

	if (!path || who->uid == geteuid())
		return 0;
	written = strdup(path);
	if (!written)
		return -ENOMEM;
	real = realpath(path, NULL);
	if (!real) {
		log_line(LOG_LEVEL_WARNING, "nothing to be done for %s: %s", path, strerror(errno));
		return 0;
	}

	r = add_parents(run, who, written);
	if (r == 0)
		r = add_parents(run, who, real);
	if (r < 0 || !is_wanted(run, who, real, mode))
		return r;
	grant.path = real;
	grant.uid = who->uid;
	return add_grant(run, &grant);
}

static int add_share(GrantRun *run, const SpecShare *share, const Identity *who)
{
	if (share->readonly)
		return add_path(run, who, share->source, R_OK | X_OK,
				(Grant){ .rights = "rX", .recursive = true });
	return add_path(run, who, share->source, R_OK | W_OK | X_OK,
			(Grant){ .rights = "rwX", .recursive = true });
}

static int add_all(GrantRun *run, const Spec *spec, const Facts *facts)
{
	const char *const boot[] = { spec->boot.kernel, spec->boot.initramfs, spec->boot.firmware };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTSOF(boot); i++)
		r = add_path(run, &facts->vm, boot[i], R_OK, (Grant){ .rights = "r" });
	for (size_t i = 0; r == 0 && i < spec->n_disks; i++) {
		bool readonly = spec->disks[i].readonly;

		r = add_path(run, &facts->vm, spec->disks[i].path, readonly ? R_OK : R_OK | W_OK,
			     (Grant){ .rights = readonly ? "r" : "rw" });
	}
	for (size_t i = 0; r == 0 && i < spec->n_shares; i++)
		r = add_share(run, &spec->shares[i], &facts->share_users[i]);
	return r;
}

/* As one would type it. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+,:@%=";

	if (*word && !word[strspn(word, plain)]) {
		(void) printf(" %s", word);
		return;
	}
	(void) fputs(" '", stdout);
	for (; *word; word++)
		(void) (*word == '\'' ? fputs("'\\''", stdout) : putchar(*word));
	(void) putchar('\'');
}

static int grant_args(const GrantRun *run, const Grant *grant, StrList *args)
{
	unsigned uid = (unsigned) grant->uid;
	const char *rights = run->revoke ? "" : grant->rights;
	const char *colon = run->revoke ? "" : ":";

	str_list_add(args, "setfacl");
	if (grant->recursive)
		str_list_add(args, "-R");
	str_list_add(args, run->revoke ? "-x" : "-m");
	if (grant->recursive)
		str_list_add(args, "u:%u%s%s,d:u:%u%s%s", uid, colon, rights, uid, colon, rights);
	else
		str_list_add(args, "u:%u%s%s", uid, colon, rights);
	str_list_add(args, "--");
	str_list_add(args, "%s", grant->path);
	return args->failed ? -ENOMEM : 0;
}

/* With our rights and our stderr, to the end. Returns an exit code. */
static int run_setfacl(const GrantRun *run, const StrList *args)
{
	const SpawnFd fd = { STDERR_FILENO, STDERR_FILENO };
	const SpawnConfig config = { .path = run->setfacl,
				     .argv = args->items,
				     .fds = &fd,
				     .n_fds = 1,
				     .keep_capabilities = true };
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_close_ int pidfd = -EBADF;
	int status = 0;
	pid_t pid;

	if (spawn(&config, &pid, &pidfd, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		return fault.exit_code;
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return MVMD_EXIT_OK;
	log_line(LOG_LEVEL_ERROR,
		 "setfacl failed; a file system without access control lists needs chown or chmod");
	return MVMD_EXIT_SYSTEM;
}

static int apply_grant(const GrantRun *run, const Grant *grant)
{
	_cleanup_(str_list_done) StrList args = { 0 };

	if (grant_args(run, grant, &args) < 0)
		return MVMD_EXIT_SYSTEM;
	(void) fputs(args.items[0], stdout);
	for (size_t i = 1; i < args.n; i++)
		print_word(args.items[i]);
	(void) putchar('\n');
	(void) fflush(stdout);
	return run->dry_run ? MVMD_EXIT_OK : run_setfacl(run, &args);
}

static int find_setfacl(GrantRun *run)
{
	static const char *const no_places[] = { NULL };
	_cleanup_(str_list_done) StrList found = { 0 };

	if (programs_find("setfacl", no_places, 1, &found) < 0)
		return MVMD_EXIT_SYSTEM;
	if (found.n == 0) {
		log_line(LOG_LEVEL_ERROR, "setfacl is not installed: apt install acl (Debian, "
					  "Ubuntu), dnf install acl, pacman -S acl");
		return MVMD_EXIT_UNAVAILABLE;
	}
	return str_set(&run->setfacl, found.items[0]) < 0 ? MVMD_EXIT_SYSTEM : MVMD_EXIT_OK;
}

static int run_all(GrantRun *run, const Spec *spec, const Facts *facts)
{
	int exit_code = MVMD_EXIT_OK;

	if (facts->user_error < 0) {
		log_line(LOG_LEVEL_ERROR, "there is no user \"%s\" on this host",
			 facts->unknown_user);
		return MVMD_EXIT_UNAVAILABLE;
	}
	if (add_all(run, spec, facts) < 0)
		return MVMD_EXIT_SYSTEM;
	if (run->n_grants == 0) {
		log_line(LOG_LEVEL_INFO, "nothing to be done: uid %u has %s",
			 (unsigned) facts->vm.uid,
			 run->revoke ? "no entry on any of the paths" : "all the rights it needs");
		return MVMD_EXIT_OK;
	}
	if (!run->dry_run)
		exit_code = find_setfacl(run);
	for (size_t i = 0; exit_code == MVMD_EXIT_OK && i < run->n_grants; i++)
		exit_code = apply_grant(run, &run->grants[i]);
	return exit_code;
}

static int grant_spec(const Places *places, const Spec *spec, GrantRun *run)
{
	_cleanup_(host_conf_done) HostConf host_conf = { 0 };
	/* What is granted goes to a number: from then on it must be the VM's. */
	const ProbeOptions options = { .state_directory = places->state_directory,
				       .host_conf = &host_conf,
				       .allocate_uid = !run->dry_run && !run->revoke };
	_cleanup_(fault_done) Fault fault = { 0 };
	Facts facts = { 0 };
	int exit_code = prepare_host_conf(places, &host_conf);

	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	if (facts_probe(spec, &options, &facts, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		return fault.exit_code;
	}
	exit_code = run_all(run, spec, &facts);
	facts_done(&facts);
	return exit_code;
}

int cmd_grant(const Places *places, int argc, char **argv)
{
	GrantRun run = { 0 };
	const Switch switches[] = { { "--revoke", &run.revoke }, { "--dry-run", &run.dry_run } };
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_(spec_free_p) Spec *spec = NULL;
	Problems problems = { 0 };
	int exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	if (spec_load(places, argv[1], &spec, &problems, &fault) < 0) {
		exit_code = problems.n > 0 ? MVMD_EXIT_SPEC : fault.exit_code;
		if (problems.n > 0)
			spec_print_problems(&problems);
		else
			log_fault(LOG_LEVEL_ERROR, &fault);
		problems_done(&problems);
		return exit_code;
	}
	log_set_vm(spec->name);
	exit_code = grant_spec(places, spec, &run);
	log_set_vm(NULL);
	run_done(&run);
	return exit_code;
}
