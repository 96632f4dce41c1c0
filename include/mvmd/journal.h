/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What mvmd writes into the systemd journal: its fields, and a MESSAGE_ID for each kind of entry. Names and ids never
 * change; there may be more of them. mvmd.journal-fields(7) tells what they hold. Trust them only in entries whose
 * _UID= is 0 (or whoever ran mvmd): any process may send fields of these names.
 */

#define MVMD_FIELD_VM		"MVMD_VM" /* the VM's name */
#define MVMD_FIELD_STATE	"MVMD_STATE" /* the state it is in, mvmd(8) */
#define MVMD_FIELD_STATE_BEFORE "MVMD_STATE_BEFORE"
#define MVMD_FIELD_EVENT	"MVMD_EVENT" /* what led from one state to the next */
#define MVMD_FIELD_LIFE		"MVMD_LIFE" /* of the guest, from 1; each reset begins one */
#define MVMD_FIELD_STEP		"MVMD_STEP" /* a step of the plan, "tap:net0" */
#define MVMD_FIELD_TOOK_USEC	"MVMD_TOOK_USEC" /* how long a step or a start took */
#define MVMD_FIELD_VMM		"MVMD_VMM" /* "cloud-hypervisor", "qemu" */
#define MVMD_FIELD_BACKEND	"MVMD_BACKEND" /* the id of its disk or share */
#define MVMD_FIELD_PID		"MVMD_PID" /* of the process that is spoken of */
#define MVMD_FIELD_STREAM	"MVMD_STREAM" /* whose line it is: "vmm", "backend", "console" */
#define MVMD_FIELD_LINES	"MVMD_LINES" /* how many were left out */
#define MVMD_FIELD_FINDING	"MVMD_FINDING" /* the id of a finding, mvmd-errors(7) */
#define MVMD_FIELD_CAUSE	"MVMD_CAUSE" /* the id of the finding that ended a run */
#define MVMD_FIELD_MENDED	"MVMD_MENDED" /* the id of the finding that holds no more */
#define MVMD_FIELD_WHY		"MVMD_WHY"
#define MVMD_FIELD_REMEDY	"MVMD_REMEDY"
#define MVMD_FIELD_EVIDENCE	"MVMD_EVIDENCE" /* "bridge=br0, errno=ENODEV"; "none" */
#define MVMD_FIELD_EXIT_CODE	"MVMD_EXIT_CODE" /* mvmd/exit-codes.h */
/* Each evidence of a finding has a field of its own, too: MVMD_EVIDENCE_BRIDGE=br0. */
#define MVMD_FIELD_EVIDENCE_PREFIX "MVMD_EVIDENCE_"

#define MVMD_STREAM_VMM	    "vmm"
#define MVMD_STREAM_BACKEND "backend"
#define MVMD_STREAM_CONSOLE "console"

/* The kinds of entries. A finding's is derived from its id, base/message-id.h. */
#define MVMD_MESSAGE_STATE	"baab920f665849c6ab77eb397255c7ce" /* from state to state */
#define MVMD_MESSAGE_STEP	"64cdaf20ce5741f0aaadc3ec49c01625" /* a step is done */
#define MVMD_MESSAGE_STEP_WAIT	"2e041669bf5c4e1788fe2e015a6a92ee" /* a step waits */
#define MVMD_MESSAGE_FACTS	"91b7a95740a64be6b9e3d9c7f12bf7d9" /* what the VM is started on */
#define MVMD_MESSAGE_RUNNING	"ad99e95091ea47878e2c7f5af832fc66" /* the guest runs */
#define MVMD_MESSAGE_ADOPTED	"c5aa74f2744e41acbbc9b9f6ec0cdc16" /* a VM that lived on is ours */
#define MVMD_MESSAGE_RELOADED	"5c4bb081f0434deb9099ba3e6fb3f40b" /* mvmd executed itself anew */
#define MVMD_MESSAGE_GUEST	"862f552d7d7b498fb5b80b4cc453bcaf" /* it resets or powers off */
#define MVMD_MESSAGE_MENDED	"11a923c444904571ab0647c2b9a51fc1" /* a link is as it should be */
#define MVMD_MESSAGE_STOP	"5820c5d6bd7f41099325b90249fa6b64" /* a stop, and its progress */
#define MVMD_MESSAGE_NEXT_TRY	"2d42686206e74a91b72b7261c5cb9ad6" /* the start waits for its turn */
#define MVMD_MESSAGE_START_SLOT "72d36757240d4cc082b2f6e99e31c681" /* it waits for a slot */
#define MVMD_MESSAGE_ENDED	"3d1e653344f9457f8f77624b1005e12c" /* the run is over */
#define MVMD_MESSAGE_SPEC	"7d7609179e154171a8df1fd4f87ae15e" /* what is wrong in a spec */
#define MVMD_MESSAGE_CHILD	"68e09d9d2c6f4543b77d420f66f45a59" /* a line of VMM or backend */
#define MVMD_MESSAGE_CONSOLE	"6c5fa08969904d76abbb995a9c88df9f" /* a line of the guest's console */
#define MVMD_MESSAGE_LEFT_OUT	"1c8b6c4dbdeb4402a0d9550df9e047ef" /* lines were left out */
#define MVMD_MESSAGE_LOST	"68116c1f460949b3a4d6fee6e02d911e" /* entries are missing here */

/* What the ids of findings are derived from. */
#define MVMD_MESSAGE_NAMESPACE "91fe22143f6f4d52bb721c293461f36c"
