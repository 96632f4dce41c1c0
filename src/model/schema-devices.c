/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "model/names.h"
#include "model/schema.h"
#include "model/spec.h"

#define SERIAL_MAX_BYTES 20 /* linux/virtio_blk.h: VIRTIO_BLK_ID_BYTES */
#define TAG_MAX_BYTES	 36 /* linux/virtio_fs.h: struct virtio_fs_config */

/* Enums are written to the struct as unsigned. */
_Static_assert(sizeof(DiskFormat) == sizeof(unsigned) && sizeof(DiskBackend) == sizeof(unsigned) &&
		       sizeof(BackendOnExit) == sizeof(unsigned),
	       "every enum of the devices is stored as an unsigned");

static const char *const format_words[] = {
	[DISK_RAW] = "raw",
	[DISK_QCOW2] = "qcow2",
};
_Static_assert(ELEMENTSOF(format_words) == _DISK_FORMAT_MAX, "every format has its word");

static const char *const backend_words[] = {
	[DISK_BY_VMM] = "vmm",
	[DISK_BY_STORAGE_DAEMON] = "storage-daemon",
};
_Static_assert(ELEMENTSOF(backend_words) == _DISK_BACKEND_MAX, "every backend has its word");

const char *const on_exit_words[_BACKEND_ON_EXIT_MAX] = {
	[BACKEND_ON_EXIT_UNSET] = NULL,
	[BACKEND_RESPAWN] = "respawn",
	[BACKEND_STOP_VM] = "stop-vm",
	[BACKEND_RESTART_VM] = "restart-vm",
};

static const Field disk_fields[] = {
	DESCRIPTION_FIELD(SpecDisk),
	{ .key = "id",
	  .type = FIELD_ID,
	  .required = true,
	  .offset = offsetof(SpecDisk, id),
	  .max = SPEC_ID_MAX,
	  .example = "\"root\"",
	  .sentence = "The disk's name in this VM: drop-ins merge by it." },
	{ .key = "path",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecDisk, path),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/srv/vm/web1.raw\"",
	  .sentence = "The image file or block device. Either this or socket." },
	{ .key = "format",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecDisk, format),
	  .fallback = "raw",
	  .choices = format_words,
	  .n_choices = ELEMENTSOF(format_words),
	  .example = "\"qcow2\"",
	  .sentence = "The image's format. It is never guessed from the contents, which the guest "
		      "writes." },
	{ .key = "readonly",
	  .type = FIELD_BOOL,
	  .offset = offsetof(SpecDisk, readonly),
	  .fallback = "false",
	  .example = "true",
	  .sentence = "The guest may not write to it; several VMs can then have it." },
	{ .key = "serial",
	  .type = FIELD_STRING,
	  .offset = offsetof(SpecDisk, serial),
	  .min = 1,
	  .max = SERIAL_MAX_BYTES,
	  .example = "\"web1-root\"",
	  .sentence = "The serial number that the guest sees, /dev/disk/by-id/virtio-SERIAL; not "
		      "with storage-daemon." },
	{ .key = "backend",
	  .type = FIELD_ENUM,
	  .offset = offsetof(SpecDisk, backend),
	  .fallback = "vmm",
	  .choices = backend_words,
	  .n_choices = ELEMENTSOF(backend_words),
	  .example = "\"storage-daemon\"",
	  .sentence = "Who reads and writes the image: the VMM itself, or a qemu-storage-daemon "
		      "that mvmd starts." },
	{ .key = "socket",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecDisk, socket),
	  .max = SOCKET_MAX_BYTES,
	  .example = "\"/run/spdk/vhost.0\"",
	  .sentence = "The vhost-user-blk socket of a backend that somebody else runs. Either this "
		      "or path." },
	ON_EXIT(SpecDisk, "\"restart-vm\"",
		"What the end of its storage-daemon leads to; respawn may lose writes in flight. "
		"Unset: stop-vm."),
};

const ObjectType disk_object = {
	.name = "a disk",
	.sentence = "A disk: a path, or somebody else's socket.",
	.fields = disk_fields,
	.n_fields = ELEMENTSOF(disk_fields),
	.size = sizeof(SpecDisk),
	.merges_by_id = true,
};

static const Field share_fields[] = {
	DESCRIPTION_FIELD(SpecShare),
	{ .key = "id",
	  .type = FIELD_ID,
	  .offset = offsetof(SpecShare, id),
	  .max = SPEC_ID_MAX,
	  .example = "\"data\"",
	  .sentence = "The share's name in this VM: drop-ins merge by it. Unset: the tag." },
	{ .key = "tag",
	  .type = FIELD_STRING,
	  .required = true,
	  .offset = offsetof(SpecShare, tag),
	  .min = 1,
	  .max = TAG_MAX_BYTES,
	  .example = "\"data\"",
	  .sentence = "What the guest mounts: mount -t virtiofs TAG /mnt." },
	{ .key = "source",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecShare, source),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/srv/data\"",
	  .sentence = "The folder on the host, served by a virtiofsd that mvmd starts. Either this "
		      "or socket." },
	{ .key = "readonly",
	  .type = FIELD_BOOL,
	  .offset = offsetof(SpecShare, readonly),
	  .fallback = "false",
	  .example = "true",
	  .sentence = "The guest may not write to it." },
	{ .key = "user",
	  .type = FIELD_USER,
	  .offset = offsetof(SpecShare, user),
	  .max = USER_MAX_BYTES,
	  .example = "\"www-data\"",
	  .sentence = "Who serves it and owns what the guest makes; root keeps the guest's owners. "
		      "Unset: the VM's own user." },
	{ .key = "socket",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecShare, socket),
	  .max = SOCKET_MAX_BYTES,
	  .example = "\"/run/virtiofs/data.sock\"",
	  .sentence = "The vhost-user-fs socket of a backend that somebody else runs. Either this "
		      "or source." },
	ON_EXIT(SpecShare, "\"stop-vm\"",
		"What it leads to when virtiofsd ends by itself; respawn means restart-vm with QEMU. "
		"Unset: respawn."),
};

const ObjectType share_object = {
	.name = "a share",
	.sentence = "A shared folder: a source, or somebody else's socket.",
	.fields = share_fields,
	.n_fields = ELEMENTSOF(share_fields),
	.size = sizeof(SpecShare),
	.default_id = "tag",
	.merges_by_id = true,
};

static const Field credential_fields[] = {
	DESCRIPTION_FIELD(SpecCredential),
	{ .key = "file",
	  .type = FIELD_PATH,
	  .offset = offsetof(SpecCredential, file),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/etc/mvmd/secret/db\"",
	  .sentence = "The file that holds it; mvmd reads it at each start. Either this or "
		      "credential." },
	{ .key = "credential",
	  .type = FIELD_STRING,
	  .offset = offsetof(SpecCredential, credential),
	  .min = 1,
	  .max = CREDENTIAL_NAME_MAX,
	  .example = "\"db.password\"",
	  .sentence = "The credential of the VM's unit that holds it: LoadCredential= in a drop-in "
		      "of mvmd@NAME.service. Either this or file." },
};

const ObjectType credential_object = {
	.name = "a credential",
	.sentence = "A credential: a file, or one of the unit's own.",
	.fields = credential_fields,
	.n_fields = ELEMENTSOF(credential_fields),
	.size = sizeof(SpecCredential),
	.name_offset = offsetof(SpecCredential, name),
	.name_pattern = "^([ -.0-9;<>-~]){1,255}$",
};

const char *disk_format_to_string(DiskFormat format)
{
	return format_words[format];
}

const char *backend_on_exit_to_string(BackendOnExit on_exit)
{
	return on_exit_words[on_exit];
}
