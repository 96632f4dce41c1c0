/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/unit-tasks.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/* How often the wait for a guest's end is told anew, on a terminal and elsewhere. */
#define COUNT_ON_TERMINAL_USEC (1 * USEC_PER_SEC)
#define COUNT_IN_LINES_USEC    (5 * USEC_PER_SEC)

#define TERMINAL_COLUMNS 80 /* of one that does not tell */

bool unit_tasks_fit(const Places *places)
{
	return streq(places->runtime_directory, places->units_runtime_directory);
}

int unit_tasks_init(const Places *places, UnitTasks *tasks, Fault *fault)
{
	*tasks = (UnitTasks){ .places = places };
	if (sd_event_new(&tasks->event) < 0)
		return fault_oom(fault);
	return unit_bus_open(tasks->event, places->user, &tasks->bus, fault);
}

void unit_tasks_failed(UnitTasks *tasks, int exit_code)
{
	tasks->exit_code = exit_code_worse(tasks->exit_code, exit_code);
}

/* --- what is shown */

static void progress_clear(UnitTasks *tasks)
{
	if (tasks->progress_is_shown)
		(void) fputs("\r\033[K", stderr);
	tasks->progress_is_shown = false;
}

static int terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col :
										 TERMINAL_COLUMNS;
}

static bool starts_with(const char *text, const char *start)
{
	return text && strncmp(text, start, strlen(start)) == 0;
}

/* What the supervisor says of itself; of a stop also how long it still may take. A new string or NULL. */
static char *status_of(const UnitTask *task)
{
	const char *status = task->job->news.status_text;
	uint64_t now = now_usec();

	if (!status)
		return NULL;
	if (task->stopping_until_usec <= now ||
	    strncmp(status, UNIT_STATUS_STOPPING, strlen(UNIT_STATUS_STOPPING)) != 0)
		return strdup(status);
	return str_printf("%s, %" PRIu64 "s left; mvmd stop --force %s ends it now", status,
			  (task->stopping_until_usec - now + USEC_PER_SEC - 1) / USEC_PER_SEC,
			  task->vm);
}

/* One line for all tasks, as long as the terminal is wide: the first that goes on, and how many others. */
static void progress_show(UnitTasks *tasks)
{
	_cleanup_free_ char *status = NULL, *line = NULL;
	const UnitTask *first = NULL;
	char more[FORMAT_MAX] = "";
	size_t others = 0;

	for (size_t i = 0; i < tasks->n; i++) {
		const UnitTask *task = &tasks->items[i];

		if (task->ended)
			continue;
		if (first)
			others++;
		else
			first = task;
	}
	progress_clear(tasks);
	if (!first)
		return;
	status = status_of(first);
	line = str_printf("mvmd: %s: %s", first->vm, status ?: unit_verb_to_string(first->verb));
	if (!line)
		return;
	if (others > 0)
		(void) snprintf(more, sizeof(more), " (%zu more)", others);
	/* One column stays free: in the last one a terminal would begin the next line. */
	(void) fprintf(stderr, "%.*s%s", terminal_columns() - (int) strlen(more) - 1, line, more);
	(void) fflush(stderr);
	tasks->progress_is_shown = true;
}

/* What it says while it runs, and that it ended, is told otherwise. */
static bool status_is_a_phase(const UnitState *news)
{
	const char *text = news->status_text;

	if (!text || starts_with(text, UNIT_STATUS_ENDED))
		return false;
	return !starts_with(text, UNIT_STATUS_RUNNING) || starts_with(text, UNIT_STATUS_READYING);
}

/* What was waited for has come, and the phase that goes on was told before the wait. */
static bool only_a_wait_is_over(const char *status, const char *told)
{
	size_t phase = strcspn(status, ":");

	return told && strncmp(status, told, phase + 1) == 0 && strstr(told, ": waiting for ") &&
	       !strstr(status, ": waiting for ");
}

/* A line for what is new, and for a countdown now and then. */
static void tell_status(UnitTask *task)
{
	const UnitState *news = &task->job->news;
	uint64_t now = now_usec();
	bool counts = task->stopping_until_usec > now;
	_cleanup_free_ char *status = NULL;

	if (!status_is_a_phase(news))
		return;
	if (only_a_wait_is_over(news->status_text, task->told))
		return;
	if (streq_null(news->status_text, task->told) &&
	    (!counts || now - task->told_usec < COUNT_IN_LINES_USEC))
		return;
	status = status_of(task);
	log_set_vm(task->vm);
	log_line(LOG_LEVEL_INFO, "%s", status ?: news->status_text);
	log_set_vm(NULL);
	(void) str_set(&task->told, news->status_text);
	task->told_usec = now;
}

void unit_tasks_say(UnitTasks *tasks, const char *vm, Fault *fault)
{
	progress_clear(tasks);
	log_set_vm(vm);
	log_fault(LOG_LEVEL_ERROR, fault);
	log_set_vm(NULL);
	unit_tasks_failed(tasks, fault->exit_code);
	fault_done(fault);
}

/* --- jobs */

int unit_tasks_queue(UnitTasks *tasks, UnitVerb verb, const char *vm, uint64_t limit_usec,
		     Fault *fault)
{
	UnitTask task = { .verb = verb,
			  .vm = strdup(vm),
			  .queued_realtime_usec = realtime_usec(),
			  .limit_usec = limit_usec };
	int r = task.vm ? array_grow(&tasks->items, tasks->n, sizeof(task)) : -ENOMEM;

	if (r < 0)
		(void) fault_oom(fault);
	else
		r = unit_bus_queue(tasks->bus, verb, vm, &task.job, fault);
	if (r < 0) {
		free(task.vm);
		return r;
	}
	tasks->items[tasks->n++] = task;
	return 0;
}

void unit_tasks_urge(UnitTasks *tasks, const char *vm, const char *status)
{
	Fault fault = { 0 };

	if (!starts_with(status, UNIT_STATUS_WAITING))
		return;
	/* cli/turn.h */
	if (unit_bus_kill(tasks->bus, vm, SIGURG, &fault) < 0)
		log_fault(LOG_LEVEL_DEBUG, &fault);
	fault_done(&fault);
}

static void note_stopping(UnitTask *task)
{
	if (task->stopping_until_usec == 0 && task->limit_usec > 0 &&
	    starts_with(task->job->news.status_text, UNIT_STATUS_STOPPING))
		task->stopping_until_usec = now_usec() + task->limit_usec;
}

static void take_news(UnitTasks *tasks, UnitTask *task, bool terminal)
{
	if (task->job->stirred) {
		task->job->stirred = false;
		note_stopping(task);
		if (task->verb == UNIT_START || task->verb == UNIT_RESTART)
			unit_tasks_urge(tasks, task->vm, task->job->news.status_text);
	}
	if (!terminal)
		tell_status(task);
}

/* What came since the last time. Returns how many jobs go on. */
static size_t look_at_jobs(UnitTasks *tasks, UnitTaskEnd end, bool terminal)
{
	size_t n = 0;

	for (size_t i = 0; i < tasks->n; i++) {
		UnitTask *task = &tasks->items[i];

		if (task->ended)
			continue;
		if (!task->job->result) {
			take_news(tasks, task, terminal);
			n++;
			continue;
		}
		task->ended = true;
		progress_clear(tasks);
		log_set_vm(task->vm);
		unit_tasks_failed(tasks, end(tasks, task));
		log_set_vm(NULL);
	}
	if (terminal)
		progress_show(tasks);
	return n;
}

static int on_signal(sd_event_source *source _unused_, const struct signalfd_siginfo *info,
		     void *userdata)
{
	UnitTasks *tasks = userdata;

	tasks->signal = (int) info->ssi_signo;
	return 0;
}

/* As systemctl's: the jobs are systemd's, and go on. */
static void take_signals(UnitTasks *tasks)
{
	sigset_t asking;

	(void) sigemptyset(&asking);
	(void) sigaddset(&asking, SIGINT);
	(void) sigaddset(&asking, SIGTERM);
	(void) sigprocmask(SIG_BLOCK, &asking, NULL);
	(void) sd_event_add_signal(tasks->event, NULL, SIGINT, on_signal, tasks);
	(void) sd_event_add_signal(tasks->event, NULL, SIGTERM, on_signal, tasks);
}

static void say_connection_lost(UnitTasks *tasks)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ECONNRESET, MVMD_EXIT_SYSTEM, "systemd-lost",
			 "systemd has closed the connection: how this ends will not be told here");
	(void) fault_why(&fault, "it was executed anew meanwhile (systemctl daemon-reexec, an "
				 "upgrade of systemd), or stopped; what was asked for goes on");
	(void) fault_remedy(&fault, "mvmd list");
	unit_tasks_say(tasks, NULL, &fault);
}

void unit_tasks_wait(UnitTasks *tasks, UnitTaskEnd end)
{
	bool terminal = log_is_terminal();
	uint64_t pause_usec = terminal ? COUNT_ON_TERMINAL_USEC : COUNT_IN_LINES_USEC;

	if (tasks->n == 0)
		return;
	take_signals(tasks);
	while (look_at_jobs(tasks, end, terminal) > 0 && tasks->signal == 0) {
		if (!unit_bus_is_open(tasks->bus)) {
			say_connection_lost(tasks);
			return;
		}
		if (sd_event_run(tasks->event, pause_usec) < 0)
			return;
	}
	progress_clear(tasks);
}

static void done(UnitTasks *tasks)
{
	for (size_t i = 0; i < tasks->n; i++) {
		free(tasks->items[i].vm);
		free(tasks->items[i].told);
	}
	free(tasks->items);
	(void) unit_bus_free(tasks->bus);
	(void) sd_event_unref(tasks->event);
	*tasks = (UnitTasks){ 0 };
}

static void end_by_signal(const UnitTasks *tasks)
{
	sigset_t one;

	for (size_t i = 0; i < tasks->n; i++)
		if (!tasks->items[i].ended)
			log_line(LOG_LEVEL_INFO, "%s: the %s goes on; mvmd status %s tells how far",
				 tasks->items[i].vm, unit_verb_to_string(tasks->items[i].verb),
				 tasks->items[i].vm);
	(void) sigemptyset(&one);
	(void) sigaddset(&one, tasks->signal);
	(void) signal(tasks->signal, SIG_DFL);
	(void) raise(tasks->signal);
	(void) sigprocmask(SIG_UNBLOCK, &one, NULL);
}

int unit_tasks_end(UnitTasks *tasks)
{
	int exit_code = tasks->exit_code;

	if (tasks->signal != 0)
		end_by_signal(tasks);
	done(tasks);
	return exit_code;
}
