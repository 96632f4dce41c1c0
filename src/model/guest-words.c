/* SPDX-License-Identifier: Apache-2.0 */
#include "model/guest-words.h"

/* A panic is followed by registers and a call trace; who writes more than that is alive. */
#define LINES_OF_A_TRACE_MAX 200

#define PANIC "Kernel panic - not syncing: "

typedef struct DeathPattern {
	const char *begins; /* a line, behind its time stamp */
	GuestDeath death;
} DeathPattern;

/* The first that fits counts. */
static const DeathPattern death_patterns[] = {
	/* init/do_mounts.c: mount_root_generic() */
	{ PANIC "VFS: Unable to mount root fs", GUEST_NO_ROOT },
	/* initramfs-tools: scripts/local, init; both go on with a shell on the console */
	{ "Gave up waiting for root file system device", GUEST_NO_ROOT },
	{ "No init found. Try passing init= bootarg.", GUEST_NO_INIT },
	/* init/main.c: kernel_init() */
	{ PANIC "No working init found", GUEST_NO_INIT },
	{ PANIC "Requested init ", GUEST_NO_INIT },
	/* mm/oom_kill.c: out_of_memory(), check_panic_on_oom() */
	{ PANIC "System is deadlocked on memory", GUEST_OUT_OF_MEMORY },
	{ PANIC "Out of memory", GUEST_OUT_OF_MEMORY },
	/* kernel/panic.c: panic() */
	{ PANIC, GUEST_PANIC },
};

/* Behind "[    1.234567] " (kernel/printk/printk.c: print_time), where it is there. */
static const char *behind_time_stamp(const char *line)
{
	const char *at = line;

	if (*at != '[')
		return line;
	at++;
	at += strspn(at, " 0123456789.");
	return at[0] == ']' && at[1] == ' ' ? at + 2 : line;
}

static void words_keep(GuestWords *words, GuestDeath death, const char *text)
{
	size_t n = 0;

	for (; text[n]; n++) {
		unsigned char c = (unsigned char) text[n];

		words->text[n] = (char) (c < ' ' || c > '~' ? '?' : c);
	}
	words->text[n] = '\0';
	words->death = death;
	words->lines_since = 0;
}

static bool words_judge_line(GuestWords *words)
{
	const char *text = behind_time_stamp(words->line);
	bool first = words->death == GUEST_LIVES;

	/* What was heard before so many lines was an old log, and what comes now may be the real one. */
	if (words->lines_since <= LINES_OF_A_TRACE_MAX)
		words->lines_since++;
	if (guest_words_death(words) != GUEST_LIVES)
		return false;
	for (size_t i = 0; i < ELEMENTSOF(death_patterns); i++)
		if (strncmp(text, death_patterns[i].begins, strlen(death_patterns[i].begins)) ==
		    0) {
			words_keep(words, death_patterns[i].death, text);
			return first;
		}
	return false;
}

/* Ends a line; "\r\n" is one end, and of "\r" alone a terminal makes none either. */
static bool words_end_line(GuestWords *words)
{
	bool heard;

	while (words->n_line > 0 && words->line[words->n_line - 1] == '\r')
		words->n_line--;
	words->line[words->n_line] = '\0';
	heard = words_judge_line(words);
	words->n_line = 0;
	return heard;
}

bool guest_words_hear(GuestWords *words, const char *bytes, size_t n)
{
	bool heard = false;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			heard |= words_end_line(words);
		else if (words->n_line < sizeof(words->line) - 1)
			words->line[words->n_line++] = bytes[i];
	}
	return heard;
}

GuestDeath guest_words_death(const GuestWords *words)
{
	return words->lines_since <= LINES_OF_A_TRACE_MAX ? words->death : GUEST_LIVES;
}

const char *guest_words_text(const GuestWords *words)
{
	return guest_words_death(words) == GUEST_LIVES ? "" : words->text;
}
