/* SPDX-License-Identifier: Apache-2.0 */
#include "model/catalog.h"
#include "base/message-id.h"
#include "model/findings.h"
#include "model/wrap.h"
#include "mvmd/journal.h"

#define PARAGRAPHS_MAX 3

typedef struct CatalogRow {
	const char *message_id;
	const char *subject;
	const char *page; /* that tells more */
	const char *paragraphs[PARAGRAPHS_MAX];
} CatalogRow;

/* Lines of children and of the console are not here: an explanation below each of them would bury them. */
static const CatalogRow rows[] = {
	{ MVMD_MESSAGE_STATE,
	  "The VM @MVMD_VM@ is now @MVMD_STATE@",
	  "mvmd(8)",
	  { "It was @MVMD_STATE_BEFORE@; the event \"@MVMD_EVENT@\" led from there to here.",
	    "mvmd(8) tells under LIFE what is done in each state and what ends it. What goes wrong "
	    "has an entry of its own." } },
	{ MVMD_MESSAGE_STEP,
	  "A step of @MVMD_VM@'s start is done: @MVMD_STEP@",
	  "mvmd(8)",
	  { "It took @MVMD_TOOK_USEC@ microseconds. Steps that do not need each other are done side "
	    "by side. \"mvmd plan @MVMD_VM@\" shows all of them; at the end they are undone, the "
	    "last one first." } },
	{ MVMD_MESSAGE_STEP_WAIT,
	  "The start of @MVMD_VM@ waits: @MVMD_STEP@",
	  "mvmd.vm(5)",
	  { "What it waits for comes from elsewhere: a bridge from the network's configuration, a "
	    "socket from another service, an answer from a process that was started. The start goes "
	    "on when it is there, and fails at its deadline, which the spec sets under \"timeouts\".",
	    "\"mvmd doctor @MVMD_VM@\" tells what else is missing now." } },
	{ MVMD_MESSAGE_FACTS,
	  "What @MVMD_VM@ is started on",
	  "mvmd(8)",
	  { "mvmd tells which VMM it takes, and why that one, and the versions of what the VM will "
	    "run on: with a VM that fails after an update this is the line to compare with that of "
	    "the last good start.",
	    "The same is kept in /var/lib/mvmd/@MVMD_VM@/last-start.json." } },
	{ MVMD_MESSAGE_RUNNING,
	  "The guest of @MVMD_VM@ runs",
	  "mvmd(8)",
	  { "@MVMD_VMM@ runs it, as process @MVMD_PID@; the start took @MVMD_TOOK_USEC@ "
	    "microseconds. From now on the guest is on its own: it may still be booting.",
	    "\"mvmd status @MVMD_VM@\" tells how it is, \"mvmd console @MVMD_VM@\" shows its "
	    "console." } },
	{ MVMD_MESSAGE_ADOPTED,
	  "The VM @MVMD_VM@ lives on under a new supervisor",
	  "mvmd@.service(8)",
	  { "The last supervisor died (killed, crashed, or ended by systemd's watchdog); the VMM, its "
	    "guest and its backends did not. This supervisor found them and watches them from now "
	    "on; the guest was not disturbed.",
	    "systemd's warnings above this entry were to be expected. \"Main process exited\" and "
	    "\"Failed with result\" tell of the supervisor that died. \"Unit process … remains "
	    "running\", \"Found left-over process … Ignoring\" and \"This usually indicates unclean "
	    "termination\" tell of the VMM and the backends, which are meant to live on.",
	    "Nothing is to be done for the VM. Why the supervisor died is told by systemd's entries: "
	    "a signal that nobody sent on purpose is worth a report." } },
	{ MVMD_MESSAGE_RELOADED,
	  "mvmd executed itself anew for @MVMD_VM@",
	  "mvmd@.service(8)",
	  { "A reload replaces the program of the supervisor, in most cases after an update: it keeps "
	    "its process id, and VMM and backends stay its children. The guest was not disturbed.",
	    "What an update changes in the unit file takes effect at the next restart of the unit." } },
	{ MVMD_MESSAGE_GUEST,
	  "The guest of @MVMD_VM@ resets or powers off",
	  "mvmd(8)",
	  { "A reset begins a new life of the guest in the same VMM; its backends are started again "
	    "where they left. After a power-off the VM ends, and its unit is inactive until somebody "
	    "starts it.",
	    "\"mvmd status @MVMD_VM@\" tells of its last lives and how they ended." } },
	{ MVMD_MESSAGE_MENDED,
	  "A link of @MVMD_VM@ is as it should be again",
	  "mvmd-errors(7)",
	  { "The finding @MVMD_MENDED@, which an earlier entry tells, holds no more: mvmd did not do "
	    "that itself, or what it had waited for came." } },
	{ MVMD_MESSAGE_STOP,
	  "@MVMD_VM@ was asked to stop",
	  "mvmd@.service(8)",
	  { "Somebody stopped the unit, ran \"mvmd stop @MVMD_VM@\", or the host shuts down. mvmd "
	    "presses the guest's power button and waits as long as \"timeouts.stop\" in the spec "
	    "says; then the VMM is ended, which is for the guest as if its power had failed.",
	    "A guest that does not hear its power button needs acpid, systemd-logind or the like." } },
	{ MVMD_MESSAGE_NEXT_TRY,
	  "The start of @MVMD_VM@ waits for its turn",
	  "mvmd@.service(8)",
	  { "Earlier runs ended in a way that a restart may cure, so systemd starts the unit again; "
	    "mvmd waits before it tries, twice as long after each such end in a row, a minute at "
	    "most, so that a VM that cannot start does not keep the host busy.",
	    "\"mvmd status --last @MVMD_VM@\" and the entries above tell why the runs ended. "
	    "\"mvmd stop @MVMD_VM@\" ends the wait." } },
	{ MVMD_MESSAGE_START_SLOT,
	  "The start of @MVMD_VM@ waits for a start slot",
	  "mvmd.host.conf(5)",
	  { "\"start_slots\" in host.conf says how many VMs of this host may start at the same time, "
	    "and so many start now. A VM has its slot until it runs, or its start has failed; one that "
	    "waits for a bridge or a socket meanwhile keeps it.",
	    "Nothing is to be done, but for a VM among those that start now which waits in vain: \"mvmd "
	    "list\" shows them. \"mvmd stop @MVMD_VM@\" ends the wait." } },
	{ MVMD_MESSAGE_ENDED,
	  "The run of @MVMD_VM@ is over",
	  "mvmd(8)",
	  { "mvmd undid what it had made for the VM, and ends with exit code @MVMD_EXIT_CODE@.",
	    "With 0 the guest powered off or was stopped. 64, 66, 70, 77, 78 and 80 are final: a "
	    "restart would end in the same way, so that systemd does not try one. After any other "
	    "code it does.",
	    "Of a run that failed after its guest had begun \"mvmd status --last @MVMD_VM@\" tells "
	    "all that is known." } },
	{ MVMD_MESSAGE_SPEC,
	  "There is a mistake in a spec",
	  "mvmd.vm(5)",
	  { "The entry names file, line, column and key, and what would be right there. \"mvmd "
	    "check\" with the name of the VM shows the line itself, and finds all mistakes at once." } },
	{ MVMD_MESSAGE_LEFT_OUT,
	  "@MVMD_LINES@ lines of @MVMD_VM@ are not in the journal",
	  "mvmd.journal-fields(7)",
	  { "The stream \"@MVMD_STREAM@\" (the VMM's output, a backend's, or the guest's console) "
	    "wrote more than is let through, so that one VM does not fill the journal of all. Its "
	    "last lines are kept in any case, and follow.",
	    "\"mvmd console @MVMD_VM@\" shows a console in full." } },
	{ MVMD_MESSAGE_LOST,
	  "The journal did not take all that mvmd had to say",
	  "mvmd.journal-fields(7)",
	  { "systemd-journald stood still or was too busy, and mvmd did not wait for it, since a VM's "
	    "supervisor must not stand still as well. It kept the last entries, which are in the "
	    "journal now; older ones are lost.",
	    "\"systemctl status systemd-journald\" may tell why." } },
};

static void add_header(StrBuf *buf, const char *message_id, const char *subject, const char *page)
{
	str_buf_add(buf, "\n-- %s\nSubject: %s\nDefined-By: mvmd\nDocumentation: man:%s\n",
		    message_id, subject, page);
}

static void add_paragraph(StrBuf *buf, const char *text)
{
	str_buf_add(buf, "\n");
	wrap_add(buf, 0, NULL, text);
}

static void add_row(StrBuf *buf, const CatalogRow *row)
{
	add_header(buf, row->message_id, row->subject, row->page);
	for (size_t i = 0; i < PARAGRAPHS_MAX && row->paragraphs[i]; i++)
		add_paragraph(buf, row->paragraphs[i]);
}

static void add_finding(StrBuf *buf, const Finding *finding)
{
	char id[MESSAGE_ID_MAX];

	add_header(buf, message_id_of_finding(id, finding->id), finding->title, "mvmd-errors(7)");
	add_paragraph(buf, finding->what);
	add_paragraph(buf, finding->why);
	add_paragraph(buf, finding->remedy);
	str_buf_add(buf, "\nSeen here: @%s@\n", MVMD_FIELD_EVIDENCE);
}

int catalog_to_text(char **ret)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf,
		    "# SPDX-License-Identifier: Apache-2.0\n# Made by mvmd explain --catalog\n");
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		add_row(&buf, &rows[i]);
	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++)
			add_finding(&buf, &finding_tables[t]->findings[i]);
	return str_buf_take(&buf, ret);
}
