/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "host/link-filter.h"

/*
 * Where things lie in a notification. The name is its first attribute (net/core/rtnetlink.c: rtnl_fill_ifinfo(),
 * net/bridge/br_netlink.c: br_fill_ifinfo()); where it ever is not, no name is found and the index alone decides.
 */
#define AT_TYPE	     offsetof(struct nlmsghdr, nlmsg_type)
#define AT_FLAGS     (NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_flags))
#define AT_INDEX     (NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_index))
#define AT_ATTRIBUTE (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg)))
#define AT_NAME	     (AT_ATTRIBUTE + sizeof(struct nlattr))

#define PASS 0xffffffffU /* so many bytes of the message: all */
#define DROP 0

#define WORD_BYTES sizeof(uint32_t)

/* For an index two instructions; for a name three, and three for each word of it; for a quiet link both and more. */
#define NAME_WORDS	 ((IFNAMSIZ + WORD_BYTES - 1) / WORD_BYTES)
#define NAME_MAX_CODE	 (3 + 3 * NAME_WORDS)
#define INSTRUCTIONS_MAX (LINK_FILTER_MAX * (2 + NAME_MAX_CODE + NAME_MAX_CODE + 7) + 2)

/* linux/filter.h: BPF_MAXINSNS */
_Static_assert(INSTRUCTIONS_MAX <= BPF_MAXINSNS, "the longest filter is one that the kernel takes");

typedef struct Program {
	struct sock_filter code[INSTRUCTIONS_MAX];
	unsigned short n;
} Program;

static bool has_index(const LinkFilter *filter, int ifindex)
{
	for (size_t i = 0; i < filter->n_ifindexes; i++)
		if (filter->ifindexes[i] == ifindex)
			return true;
	for (size_t i = 0; i < filter->n_quiet; i++)
		if (filter->quiet[i].ifindex == ifindex)
			return true;
	return false;
}

void link_filter_add_index(LinkFilter *filter, int ifindex)
{
	if (ifindex > 0 && !has_index(filter, ifindex) && filter->n_ifindexes < LINK_FILTER_MAX)
		filter->ifindexes[filter->n_ifindexes++] = ifindex;
}

void link_filter_add_quiet(LinkFilter *filter, int ifindex, const char *name)
{
	if (ifindex > 0 && strlen(name) < IFNAMSIZ && !has_index(filter, ifindex) &&
	    filter->n_quiet < LINK_FILTER_MAX)
		filter->quiet[filter->n_quiet++] = (QuietLink){ ifindex, name };
}

void link_filter_add_name(LinkFilter *filter, const char *name)
{
	for (size_t i = 0; i < filter->n_names; i++)
		if (streq(filter->names[i], name))
			return;
	if (name[0] && strlen(name) < IFNAMSIZ && filter->n_names < LINK_FILTER_MAX)
		filter->names[filter->n_names++] = name;
}

static void add(Program *program, struct sock_filter instruction)
{
	program->code[program->n++] = instruction;
}

/* A load takes the bytes as the network has them, a message has them as this machine does. */
static void add_load(Program *program, size_t offset)
{
	add(program, (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t) offset));
}

/* Goes on behind the next so many instructions where the loaded word is not this one. */
static void add_unless(Program *program, uint32_t word, size_t skip)
{
	add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(word), 0,
						   (uint8_t) skip));
}

static void add_return(Program *program, uint32_t bytes)
{
	add(program, (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, bytes));
}

static void add_indexes(Program *program, const LinkFilter *filter)
{
	add_load(program, AT_INDEX);
	for (size_t i = 0; i < filter->n_ifindexes; i++) {
		add_unless(program, (uint32_t) filter->ifindexes[i], 1);
		add_return(program, PASS);
	}
}

static size_t words_of(const char *name)
{
	return (strlen(name) + 1 + WORD_BYTES - 1) / WORD_BYTES;
}

/* What add_name() adds. */
static size_t name_code(const char *name)
{
	return 3 + 3 * words_of(name);
}

/*
 * Returns so many bytes where the message is of a link of that name: the attribute's head and the words of the name with
 * its NUL, of which the last may have bytes that are not its own.
 */
static void add_name(Program *program, const char *name, uint32_t verdict)
{
	size_t bytes = strlen(name) + 1, n_words = words_of(name);
	const struct nlattr head = { .nla_len = (uint16_t) (sizeof(struct nlattr) + bytes),
				     .nla_type = IFLA_IFNAME };
	uint32_t words[NAME_WORDS] = { 0 }, masks[NAME_WORDS] = { 0 }, word;
	size_t left = 3 * n_words + 1; /* instructions behind a comparison */

	memcpy(words, name, bytes);
	memset(masks, 0xff, bytes);
	memcpy(&word, &head, sizeof(word));
	add_load(program, AT_ATTRIBUTE);
	add_unless(program, word, left);
	for (size_t i = 0; i < n_words; i++) {
		left -= 3;
		add_load(program, AT_NAME + i * WORD_BYTES);
		add(program,
		    (struct sock_filter) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, htonl(masks[i])));
		add_unless(program, words[i], left);
	}
	add_return(program, verdict);
}

/* All of it passes but what tells of a link that is up and has its name. */
static void add_quiet(Program *program, const QuietLink *link)
{
	size_t left = 4 + name_code(link->name) + 1;

	add_load(program, AT_INDEX);
	add_unless(program, (uint32_t) link->ifindex, left);
	add(program, (struct sock_filter) BPF_STMT(BPF_LD | BPF_H | BPF_ABS, AT_TYPE));
	add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWLINK), 0,
						   (uint8_t) (left - 3)));
	add_load(program, AT_FLAGS);
	add(program, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htonl(IFF_UP), 0,
						   (uint8_t) (left - 5)));
	add_name(program, link->name, DROP);
	add_return(program, PASS);
}

int link_filter_attach(const LinkFilter *filter, const Nl *nl)
{
	Program program = { .n = 0 };
	struct sock_fprog given = { .filter = program.code };

	add_indexes(&program, filter);
	for (size_t i = 0; i < filter->n_quiet; i++)
		add_quiet(&program, &filter->quiet[i]);
	for (size_t i = 0; i < filter->n_names; i++)
		add_name(&program, filter->names[i], PASS);
	add_return(&program, DROP);
	given.len = program.n;
	return setsockopt(nl_fd(nl), SOL_SOCKET, SO_ATTACH_FILTER, &given, sizeof(given)) < 0 ?
		       -errno :
		       0;
}
