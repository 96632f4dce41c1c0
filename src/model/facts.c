/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/facts.h"
#include "model/image.h"

static void program_done(Program *program)
{
	free(program->path);
	free(program->version);
}

void host_facts_done(HostFacts *host)
{
	free(host->release);
	free(host->build);
	*host = (HostFacts){ 0 };
}

static void helper_done(HelperFact *helper)
{
	program_done(&helper->program);
	for (size_t i = 0; i < helper->n_acls; i++)
		acl_fact_done(&helper->acls[i]);
	free(helper->acls);
}

void facts_done(Facts *facts)
{
	host_facts_done(&facts->host);
	str_list_done(&facts->bridge_names);
	program_done(&facts->cloud_hypervisor);
	program_done(&facts->qemu);
	program_done(&facts->storage_daemon);
	program_done(&facts->virtiofsd);
	program_done(&facts->passt);
	for (size_t i = 0; i < facts->n_paths; i++)
		free(facts->paths[i].blocked_at);
	free(facts->paths);
	image_done(&facts->guest_kernel);
	free(facts->share_users);
	free(facts->bridges);
	helper_done(&facts->helper);
	free(facts->credentials);
	*facts = (Facts){ 0 };
}

const PathFact *facts_path(const Facts *facts, PathRole role, size_t index)
{
	for (size_t i = 0; i < facts->n_paths; i++)
		if (facts->paths[i].role == role && facts->paths[i].index == index)
			return &facts->paths[i];
	return NULL;
}
