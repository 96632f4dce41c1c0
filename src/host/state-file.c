/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/process.h"
#include "host/record.h"
#include "host/state-file.h"
#include "mvmd/exit-codes.h"

int state_file_add_backend(StateFile *state, const char *id, const char *label, pid_t pid,
			   unsigned restarts)
{
	StateBackend backend = { .restarts = restarts };
	int r;

	r = str_set(&backend.id, id);
	if (r == 0)
		r = state_process_set(&backend.process, label, pid);
	if (r == 0)
		r = array_grow(&state->backends, state->n_backends, sizeof(backend));
	if (r < 0) {
		free(backend.id);
		free(backend.process.label);
		return r;
	}
	state->backends[state->n_backends++] = backend;
	return 0;
}

static json_t *process_to_json(const StateProcess *process)
{
	return json_pack("{s:s, s:i, s:I, s:I}", "label", process->label ?: "", "pid",
			 (int) process->pid, "start_ticks", (json_int_t) process->start_ticks,
			 "pidfd_inode", (json_int_t) process->pidfd_inode);
}

/* A path may be no UTF-8, and is no JSON then. */
static json_t *text_to_json(const char *text)
{
	return (text ? json_string(text) : NULL) ?: json_null();
}

static json_t *vmm_to_json(const StateFile *state)
{
	json_t *vmm = process_to_json(&state->vmm);

	(void) json_object_set_new(vmm, "kind", json_string(vmm_kind_to_string(state->vmm_kind)));
	(void) json_object_set_new(vmm, "version", text_to_json(state->vmm_version));
	(void) json_object_set_new(vmm, "accel", json_string(accel_to_string(state->accel)));
	return vmm;
}

static json_t *backends_to_json(const StateFile *state)
{
	json_t *list = json_array();

	for (size_t i = 0; i < state->n_backends; i++) {
		const StateBackend *backend = &state->backends[i];
		json_t *json = process_to_json(&backend->process);

		(void) json_object_set_new(json, "id", json_string(backend->id ?: ""));
		(void) json_object_set_new(json, "restarts",
					   json_integer((json_int_t) backend->restarts));
		(void) json_array_append_new(list, json);
	}
	return list;
}

static json_t *state_to_json(const StateFile *state)
{
	char boot_id[BOOT_ID_MAX];

	boot_id_read(boot_id);
	return json_pack(
		"{s:i, s:s, s:o, s:o, s:{s:o, s:O?}, s:O?, s:s, s:I, s:b, s:i, s:I, s:O?, s:O?}",
		"version", STATE_FILE_VERSION, "boot_id", boot_id, "vmm", vmm_to_json(state),
		"backends", backends_to_json(state), "spec", "file", text_to_json(state->spec_file),
		"document", state->spec, "taps", state->taps, "state",
		vm_state_to_string(state->state), "since_realtime_usec",
		(json_int_t) state->since_realtime_usec, "ready", state->ready, "exit_code",
		state->exit_code, "console_bytes", (json_int_t) state->console_bytes, "lives",
		state->lives, "findings", state->findings);
}

/* Its owner alone may read it: it has words of the guest's console in it. */
static int write_new(const char *path, const json_t *json)
{
	_cleanup_close_ int fd = -EBADF;

	(void) unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	return json_write_fd(fd, json, 0);
}

int state_file_write(const char *path, const StateFile *state)
{
	_cleanup_free_ char *temporary = str_printf("%s.new", path);
	json_t *json = state_to_json(state);
	int r;

	if (!temporary || !json) {
		json_decref(json);
		return -ENOMEM;
	}
	r = write_new(temporary, json);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void) unlink(temporary);
	json_decref(json);
	return r;
}

static int process_from_json(json_t *json, StateProcess *ret)
{
	json_int_t start_ticks = 0, inode = 0;
	const char *label = NULL;
	int pid = 0;

	if (json_unpack(json, "{s:s, s:i, s:I, s?I}", "label", &label, "pid", &pid, "start_ticks",
			&start_ticks, "pidfd_inode", &inode) < 0 ||
	    pid < 0)
		return -EUCLEAN;
	ret->pid = pid;
	ret->start_ticks = (uint64_t) start_ticks;
	ret->pidfd_inode = (uint64_t) inode;
	return str_set(&ret->label, label);
}

static int backend_from_json(json_t *json, StateBackend *ret)
{
	int r = process_from_json(json, &ret->process), restarts = 0;
	const char *id = "";

	if (r == 0 &&
	    (json_unpack(json, "{s?s, s?i}", "id", &id, "restarts", &restarts) < 0 || restarts < 0))
		r = -EUCLEAN;
	ret->restarts = (unsigned) restarts;
	return r < 0 ? r : str_set(&ret->id, id);
}

static int backends_from_json(json_t *list, StateFile *ret)
{
	int r = json_is_array(list) ? 0 : -EUCLEAN;
	json_t *backend;
	size_t i;

	json_array_foreach(list, i, backend) {
		r = array_grow(&ret->backends, ret->n_backends, sizeof(*ret->backends));
		if (r < 0)
			break;
		ret->backends[ret->n_backends] = (StateBackend){ 0 };
		r = backend_from_json(backend, &ret->backends[ret->n_backends++]);
		if (r < 0)
			break;
	}
	return r;
}

static int kind_from_json(const json_t *json, VmmKind *ret)
{
	for (VmmKind kind = VMM_AUTO; kind < _VMM_KIND_MAX; kind++)
		if (streq_null(json_string_value(json), vmm_kind_to_string(kind))) {
			*ret = kind;
			return 0;
		}
	return -EUCLEAN;
}

static int accel_from_json(const json_t *json, Accel *ret)
{
	for (Accel accel = ACCEL_AUTO; accel < _ACCEL_MAX; accel++)
		if (streq_null(json_string_value(json), accel_to_string(accel))) {
			*ret = accel;
			return 0;
		}
	return -EUCLEAN;
}

static int state_from_word(const char *word, VmState *ret)
{
	for (VmState state = VM_NEW; state < _VM_STATE_MAX; state++)
		if (streq(word, vm_state_to_string(state))) {
			*ret = state;
			return 0;
		}
	return -EUCLEAN;
}

static int vmm_from_json(const json_t *json, StateFile *ret)
{
	int r = kind_from_json(json_object_get(json, "kind"), &ret->vmm_kind);

	if (r == 0)
		r = accel_from_json(json_object_get(json, "accel"), &ret->accel);
	return r < 0 ? r :
		       str_set(&ret->vmm_version,
			       json_string_value(json_object_get(json, "version")));
}

/* A new reference in *ret to what is of that type; NULL where it is null. */
static int reference_from_json(json_t *json, json_type type, json_t **ret)
{
	if (!json || (json_typeof(json) != type && !json_is_null(json)))
		return -EUCLEAN;
	*ret = json_is_null(json) ? NULL : json_incref(json);
	return 0;
}

/* All that version 1 had not. */
static int rest_from_json(json_t *json, StateFile *ret)
{
	json_t *spec = json_object_get(json, "spec");
	json_int_t since = 0, bytes = 0;
	const char *state = NULL;
	int r, ready = 0;

	if (json_unpack(json, "{s:s, s:I, s?b, s?i, s:I}", "state", &state, "since_realtime_usec",
			&since, "ready", &ready, "exit_code", &ret->exit_code, "console_bytes",
			&bytes) < 0 ||
	    since < 0 || bytes < 0)
		return -EUCLEAN;
	r = vmm_from_json(json_object_get(json, "vmm"), ret);
	if (r == 0)
		r = state_from_word(state, &ret->state);
	if (r == 0)
		r = str_set(&ret->spec_file, json_string_value(json_object_get(spec, "file")));
	if (r == 0)
		r = reference_from_json(json_object_get(spec, "document"), JSON_OBJECT, &ret->spec);
	if (r == 0)
		r = reference_from_json(json_object_get(json, "lives"), JSON_OBJECT, &ret->lives);
	if (r == 0)
		r = reference_from_json(json_object_get(json, "findings"), JSON_ARRAY,
					&ret->findings);
	if (r == 0 && json_is_object(json_object_get(json, "taps")))
		ret->taps = json_incref(json_object_get(json, "taps"));
	ret->ready = ready;
	ret->since_realtime_usec = (uint64_t) since;
	ret->console_bytes = (uint64_t) bytes;
	return r;
}

/* A process of another boot of this host is gone, whoever has its number and its start time now. */
static int check_boot(const json_t *json)
{
	const char *recorded = json_string_value(json_object_get(json, "boot_id"));
	char boot_id[BOOT_ID_MAX];

	if (!recorded)
		return -EUCLEAN;
	boot_id_read(boot_id);
	return streq(recorded, boot_id) ? 0 : -ESTALE;
}

static int state_from_json(json_t *json, StateFile *ret)
{
	json_t *vmm = NULL, *backends = NULL;
	int r, version = 0;

	if (json_unpack(json, "{s:i}", "version", &version) < 0 || version < 1)
		return -EUCLEAN;
	if (version > STATE_FILE_VERSION)
		return -EPROTONOSUPPORT;
	if (json_unpack(json, "{s:o, s:o}", "vmm", &vmm, "backends", &backends) < 0)
		return -EUCLEAN;
	r = version > 1 ? check_boot(json) : 0;
	if (r == 0)
		r = process_from_json(vmm, &ret->vmm);
	if (r == 0)
		r = backends_from_json(backends, ret);
	if (r == 0 && version > 1)
		r = rest_from_json(json, ret);
	return r;
}

int state_file_read(const char *path, StateFile *ret)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_t *json;
	int r;

	if (fd < 0)
		return -errno;
	json = json_loadfd(fd, 0, NULL);
	if (!json)
		return -EUCLEAN;
	r = state_from_json(json, &state);
	json_decref(json);
	if (r < 0)
		return r;
	*ret = state;
	state = (StateFile){ 0 };
	return 0;
}

void state_file_done(StateFile *state)
{
	free(state->vmm.label);
	free(state->vmm_version);
	for (size_t i = 0; i < state->n_backends; i++) {
		free(state->backends[i].id);
		free(state->backends[i].process.label);
	}
	free(state->backends);
	free(state->spec_file);
	json_decref(state->spec);
	json_decref(state->taps);
	json_decref(state->lives);
	json_decref(state->findings);
	*state = (StateFile){ 0 };
}

int state_file_fault(const char *path, int error, Fault *fault)
{
	if (error == -EPROTONOSUPPORT) {
		(void) fault_set(fault, error, MVMD_EXIT_BUSY, "record-newer",
				 "%s is of a newer mvmd than this one", path);
		(void) fault_why(fault, "mvmd was replaced by an older version while the VM ran");
		(void) fault_remedy(fault,
				    "install the newer mvmd again; or end the VM from within "
				    "its guest");
	} else {
		(void) fault_set(fault, error, MVMD_EXIT_BUSY, "record-unreadable",
				 error == -EUCLEAN ? "%s is damaged" : "cannot read %s: %m", path);
		(void) fault_remedy(fault,
				    "head %s; where no VMM of the VM lives any more (ps -C "
				    "cloud-hypervisor,qemu-system-x86_64), remove it",
				    path);
	}
	return fault_evidence(fault, "path", "%s", path);
}
