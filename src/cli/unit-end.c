/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/unit-end.h"
#include "host/unit-journal.h"
#include "model/findings.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/* From here on an exit status is systemd's own, of a process that it could not start (systemd.exec(5)). */
#define SYSTEMD_EXIT_FIRST 200

static int say(Fault *fault)
{
	int exit_code = fault->exit_code;

	log_fault(LOG_LEVEL_ERROR, fault);
	fault_done(fault);
	return exit_code;
}

static bool has_exit_code(const UnitState *state)
{
	return state->main_code == CLD_EXITED && state->main_status != 0 &&
	       state->main_status < SYSTEMD_EXIT_FIRST;
}

/* As the supervisor told it. False where the journal does not have it, or not for us. */
static bool tell_journal(const UnitTasks *tasks, const UnitTask *task)
{
	FaultList errors = { 0 };
	bool any;

	if (unit_journal_read_failure(tasks->places->user, task->vm, task->queued_realtime_usec,
				      &errors) < 0)
		return false;
	for (size_t i = 0; i < errors.n; i++) {
		if (errors.items[i].id)
			log_fault(LOG_LEVEL_ERROR, &errors.items[i]);
		else
			log_line(LOG_LEVEL_ERROR, "%s", errors.items[i].what);
	}
	any = errors.n > 0;
	fault_list_done(&errors);
	return any;
}

/* The finding that is on record for that end; NULL: there is none, or it is not for us. */
static const Finding *recorded_finding(const UnitTasks *tasks, const UnitTask *task)
{
	History history;

	client_read_history(tasks->places, task->vm, &history);
	return history.last_exit_code == task->job->news.main_status ?
		       finding_find(history.last_finding) :
		       NULL;
}

/* Without the journal: its last words, and what is to be said of that finding in general. */
static void tell_last_words(const UnitTasks *tasks, const UnitTask *task)
{
	const Finding *row = recorded_finding(tasks, task);
	Fault fault = { 0 };

	(void) fault_set(&fault, -EIO, MVMD_EXIT_SYSTEM, row ? row->id : "unit-failed", "%s",
			 unit_status_cause(task->job->news.status_text) ?:
									  "it ended without a word");
	if (row) {
		(void) fault_why(&fault, "%s", row->why);
		(void) fault_remedy(&fault, "%s", row->remedy);
	} else {
		(void) fault_remedy(&fault, "%s -e -u mvmd@%s has the whole",
				    tasks->places->user ? "journalctl --user" : "sudo journalctl",
				    task->vm);
	}
	(void) say(&fault);
}

/* The supervisor failed with a cause: that is what is told, and the exit code is its own. */
static int tell_cause(const UnitTasks *tasks, const UnitTask *task)
{
	if (!tell_journal(tasks, task))
		tell_last_words(tasks, task);
	return task->job->news.main_status;
}

/* What systemd saw of a supervisor that told no cause. A new string or NULL. */
static char *what_systemd_saw(const UnitState *news)
{
	if (news->main_code == CLD_KILLED || news->main_code == CLD_DUMPED)
		return str_printf("its supervisor was ended by SIG%s%s",
				  sigabbrev_np(news->main_status) ?: "?",
				  streq_null(news->result, "watchdog") ? ", the watchdog's" : "");
	if (news->main_code == CLD_EXITED && news->main_status >= SYSTEMD_EXIT_FIRST)
		return str_printf("systemd could not execute mvmd in the unit's sandbox, exit code "
				  "%d",
				  news->main_status);
	return str_printf("its unit failed: %s", news->result ?: "systemd does not say why");
}

static int tell_unit_failed(const UnitTasks *tasks, const UnitTask *task)
{
	const UnitState *news = &task->job->news;
	_cleanup_free_ char *saw = what_systemd_saw(news);
	const char *user = tasks->places->user ? " --user" : "";
	Fault fault = { 0 };

	(void) fault_set(&fault, -EIO, MVMD_EXIT_SYSTEM, "unit-failed", "%s",
			 saw ?: "its unit failed");
	(void) fault_evidence(&fault, "result", "%s", news->result ?: "");
	(void) fault_remedy(&fault, "journalctl%s -e -u mvmd@%s; systemctl%s status mvmd@%s", user,
			    task->vm, user, task->vm);
	return say(&fault);
}

/* The job failed with the first try; systemd may try again by itself, which the signals up to then do not tell. */
static bool is_tried_again(const UnitTasks *tasks, const UnitTask *task)
{
	UnitState state = { 0 };
	Fault fault = { 0 };
	bool alive;

	(void) unit_bus_active(tasks->bus, task->vm, &state.active, &fault);
	alive = unit_state_is_alive(&state);
	unit_state_done(&state);
	fault_done(&fault);
	return alive;
}

static int tell_failure(const UnitTasks *tasks, const UnitTask *task)
{
	int exit_code = has_exit_code(&task->job->news) ? tell_cause(tasks, task) :
							  tell_unit_failed(tasks, task);

	if (is_tried_again(tasks, task))
		log_line(LOG_LEVEL_INFO,
			 "it is tried again, after a while: mvmd status %s; mvmd stop %s ends "
			 "that",
			 task->vm, task->vm);
	return exit_code;
}

/* systemd gave the job up. */
static int tell_job(const UnitTasks *tasks, const UnitTask *task)
{
	const char *user = tasks->places->user ? " --user" : "";
	const char *verb = unit_verb_to_string(task->verb), *result = task->job->result;
	Fault fault = { 0 };

	(void) fault_set(&fault, -ECANCELED, MVMD_EXIT_SYSTEM, "unit-job",
			 streq(result, "canceled") ?
				 "somebody asked for something else meanwhile: systemd has dropped "
				 "the job \"%s\"" :
				 "systemd has given up the job \"%s\"",
			 verb);
	(void) fault_evidence(&fault, "result", "%s", result);
	if (streq(result, "dependency"))
		(void) fault_why(&fault, "a unit that this one requires could not be started");
	else if (!streq(result, "canceled"))
		(void) fault_why(&fault, "its result is \"%s\"", result);
	(void) fault_remedy(&fault,
			    "mvmd status %s; systemctl%s list-dependencies mvmd@%s; systemctl%s "
			    "list-jobs",
			    task->vm, user, task->vm, user);
	return say(&fault);
}

/* STATUS= of the supervisor comes with the READY=1 that ends the job, and is read by systemd a moment after it. */
static void tell_running(const UnitTasks *tasks, const UnitTask *task)
{
	_cleanup_free_ char *status = NULL;
	Fault fault = { 0 };

	(void) unit_bus_status(tasks->bus, task->vm, &status, &fault);
	log_line(LOG_LEVEL_INFO, "%s", status && *status ? status : "running");
	fault_done(&fault);
}

int unit_end_of_start(UnitTasks *tasks, const UnitTask *task)
{
	const UnitState *news = &task->job->news;

	if (streq(task->job->result, "failed"))
		return tell_failure(tasks, task);
	if (!streq(task->job->result, "done"))
		return tell_job(tasks, task);
	if (streq_null(news->active, "inactive"))
		log_line(LOG_LEVEL_INFO, "it ran, and its guest has powered off already");
	else if (news->active && !streq(news->active, "active"))
		return tell_failure(tasks, task);
	else
		tell_running(tasks, task);
	return MVMD_EXIT_OK;
}

/* ExecReload= failed, or the new image did not answer; a supervisor that ended over it is started anew by systemd. */
static int tell_reload_failed(const UnitTasks *tasks, const UnitTask *task)
{
	const UnitState *news = &task->job->news;
	bool lives = !news->active || streq(news->active, "active");
	Fault fault = { 0 };

	if (!tell_journal(tasks, task)) {
		(void) fault_set(&fault, -EIO, MVMD_EXIT_SYSTEM, "unit-failed",
				 lives ? "the reload failed; the VM runs on with the program that "
					 "it had" :
					 "its supervisor ended during the reload");
		(void) fault_evidence(&fault, "result", "%s", news->result ?: "");
		(void) fault_remedy(&fault, "journalctl%s -e -u mvmd@%s; mvmd status %s",
				    tasks->places->user ? " --user" : "", task->vm, task->vm);
		(void) say(&fault);
	}
	return MVMD_EXIT_SYSTEM;
}

int unit_end_of_reload(UnitTasks *tasks, const UnitTask *task)
{
	if (streq(task->job->result, "failed"))
		return tell_reload_failed(tasks, task);
	if (!streq(task->job->result, "done"))
		return tell_job(tasks, task);
	log_line(LOG_LEVEL_INFO, "reloaded");
	return MVMD_EXIT_OK;
}

/* A VM that is stopped is stopped, however badly its run ended. */
int unit_end_of_stop(UnitTasks *tasks, const UnitTask *task)
{
	const UnitState *news = &task->job->news;

	if (!streq(task->job->result, "done"))
		return tell_job(tasks, task);
	if (streq_null(news->active, "failed"))
		log_line(LOG_LEVEL_WARNING, "stopped, and its unit failed: %s",
			 unit_status_cause(news->status_text) ?:
				 news->result		      ?:
								"systemd does not say why");
	else
		log_line(LOG_LEVEL_INFO, "stopped");
	return MVMD_EXIT_OK;
}
