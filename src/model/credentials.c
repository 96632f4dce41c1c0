/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "model/ch-config.h"
#include "model/credentials.h"
#include "model/smbios.h"
#include "mvmd/exit-codes.h"

/* What mvmd's own string may take: "…:vmm.notify_socket=vsock-stream:2:4294967295". */
#define NOTIFY_STRING_BYTES 80

/* The unit's own: that there is none, mostly. */
static int fault_unit_credential(const Spec *spec, const SpecCredential *credential, int error,
				 Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "credential-not-passed",
			 "credential %s: the unit does not pass \"%s\" to mvmd: %m",
			 credential->name, credential->credential);
	(void) fault_evidence(fault, "credential", "%s", credential->name);
	(void) fault_why(fault, "\"credential\" names a file in $CREDENTIALS_DIRECTORY, which "
				"systemd fills for a unit with LoadCredential= or SetCredential=");
	return fault_remedy(fault,
			    "systemctl edit mvmd@%s.service: [Service] LoadCredential=%s:/PATH; "
			    "or give \"file\" in %s",
			    spec->name, credential->credential, spec->file);
}

int fault_credential(const Spec *spec, const SpecCredential *credential, int error, Fault *fault)
{
	bool denied = error == -EACCES || error == -EPERM;

	if (error == -EFBIG)
		return fault_credentials_too_large(spec, SMBIOS_STRINGS_MAX_BYTES + 1, fault);
	if (credential->credential)
		return fault_unit_credential(spec, credential, error, fault);
	(void) fault_set(fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "credential-unreadable", "credential %s: cannot read %s: %m",
			 credential->name, credential->file);
	(void) fault_evidence(fault, "credential", "%s", credential->name);
	(void) fault_evidence(fault, "path", "%s", credential->file);
	if (denied)
		return fault_remedy(fault,
				    "chown root: %s; chmod 0600 %s: mvmd itself reads it, no VMM",
				    credential->file, credential->file);
	return fault_remedy(fault, "correct the path in %s, or put the file there", spec->file);
}

int fault_credentials_too_large(const Spec *spec, size_t bytes, Fault *fault)
{
	(void) fault_set(fault, -E2BIG, MVMD_EXIT_SPEC, "credentials-too-large",
			 "the credentials take %s%zu bytes of the guest's SMBIOS tables, and there "
			 "is room for %d",
			 bytes > SMBIOS_STRINGS_MAX_BYTES + 1 ? "" : "at least ", bytes,
			 (int) SMBIOS_STRINGS_MAX_BYTES);
	(void) fault_why(fault, "what is no printable ASCII, a line break at the end too, goes as "
				"base64, which makes four bytes of three");
	(void) fault_evidence(fault, "limit", "smbios");
	(void) fault_evidence(fault, "bytes", "%zu", bytes);
	return fault_remedy(fault,
			    "put what is large on a disk or a share, and only its key into "
			    "\"credentials\" of %s",
			    spec->file);
}

static size_t strings_bytes(const Spec *spec, const Facts *facts)
{
	size_t bytes = spec->ready == READY_GUEST ? NOTIFY_STRING_BYTES : 0;

	for (size_t i = 0; i < facts->n_credentials; i++)
		bytes += facts->credentials[i].smbios_bytes;
	return bytes;
}

int credentials_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	size_t bytes = strings_bytes(spec, facts);
	Fault fault = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->n_credentials; i++) {
		if (facts->credentials[i].error == 0)
			continue;
		(void) fault_credential(spec, &spec->credentials[i], facts->credentials[i].error,
					&fault);
		r = fault_list_take(faults, &fault);
	}
	if (r < 0 || bytes <= SMBIOS_STRINGS_MAX_BYTES)
		return r;
	(void) fault_credentials_too_large(spec, bytes, &fault);
	return fault_list_take(faults, &fault);
}

int credentials_warnings(const Spec *spec, const Facts *facts, FaultList *faults)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->n_credentials; i++) {
		const SpecCredential *credential = &spec->credentials[i];
		Fault fault = { 0 };

		if (!credential->file || !(facts->credentials[i].mode & S_IROTH))
			continue;
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_OK, "credential-exposed",
				 "credential %s: every user of this host may read %s",
				 credential->name, credential->file);
		(void) fault_evidence(&fault, "credential", "%s", credential->name);
		(void) fault_evidence(&fault, "path", "%s", credential->file);
		(void) fault_remedy(&fault, "chmod o= %s: only mvmd reads it", credential->file);
		r = fault_list_take(faults, &fault);
	}
	return r;
}

static void add_directory_of(const char *file, StrList *list)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (slash)
		str_list_add(list, "%.*s", (int) (slash - file), file);
}

/* The directories that cloud-hypervisor is told to keep open, as the spec has them. */
static StrList readable_directories(const SpecBoot *boot)
{
	StrList list = { 0 };

	add_directory_of(boot->kernel, &list);
	add_directory_of(boot->initramfs, &list);
	add_directory_of(boot->firmware, &list);
	return list;
}

bool plan_is_too_long(const Plan *plan, Fault *fault)
{
	StrList readable = readable_directories(&plan->spec->boot);
	size_t bytes = 0, strings = 0;
	int r;

	for (size_t i = 0; i < plan->facts->n_credentials; i++)
		strings += plan->facts->credentials[i].json_bytes;
	if (plan->spec->ready == READY_GUEST)
		strings += NOTIFY_STRING_BYTES;
	r = plan->vmm == VMM_CLOUD_HYPERVISOR && strings > 0 ?
		    ch_config_length(plan, &readable, strings, &bytes) :
		    0;
	str_list_done(&readable);
	if (r < 0 || bytes < CH_CONFIG_MAX_BYTES)
		return false;

	(void) fault_set(fault, -E2BIG, MVMD_EXIT_SPEC, "credentials-too-large",
			 "the VM's configuration has %zu bytes, %zu of them credentials, and "
			 "cloud-hypervisor takes less than %d",
			 bytes, strings, CH_CONFIG_MAX_BYTES);
	(void) fault_why(fault,
			 "up to v53 that is the longest request to its API; in the guest's "
			 "SMBIOS tables there would be room for %d bytes",
			 (int) SMBIOS_STRINGS_MAX_BYTES);
	(void) fault_evidence(fault, "limit", "api");
	(void) fault_evidence(fault, "bytes", "%zu", bytes);
	(void) fault_remedy(fault,
			    "put what is large on a disk or a share, and only its key into "
			    "\"credentials\" of %s; or set \"vmm\": \"qemu\"",
			    plan->spec->file);
	return true;
}
