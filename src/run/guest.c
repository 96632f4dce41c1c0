/* SPDX-License-Identifier: Apache-2.0 */
#include "run/guest.h"
#include "model/drivers.h"
#include "model/run-faults.h"
#include "run/timer.h"

void guest_init(sd_event *event, const Resources *resources, const GuestHandler *handler,
		Guest *ret)
{
	const Plan *plan = resources->plan;

	*ret = (Guest){ .event = event, .resources = resources, .handler = *handler };
	ret->lives.may_be_mute = !spec_expects_console(plan->spec) && !drivers_can_be_seen(plan);
}

void guest_done(Guest *guest)
{
	guest->timer = sd_event_source_disable_unref(guest->timer);
	guest->clock = clock_watch_free(guest->clock);
	lives_done(&guest->lives);
}

LifeMoment guest_moment(const Guest *guest)
{
	LifeMoment now = { .usec = now_usec(), .realtime_usec = realtime_usec() };
	Console *console = guest->resources->console;

	if (console) {
		console_drain(console);
		now.console_bytes = console_bytes(console);
	}
	return now;
}

static void guest_remark(Guest *guest, Fault *fault)
{
	guest->handler.on_remark(fault, guest->handler.userdata);
	fault_done(fault);
}

static void guest_remark_drivers(Guest *guest, const Life *life)
{
	FaultList missing = { 0 };

	(void) drivers_missing(guest->resources->plan, life, &missing);
	for (size_t i = 0; i < missing.n; i++)
		guest_remark(guest, &missing.items[i]);
	fault_list_done(&missing);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	Guest *guest = userdata;
	LifeMoment now = guest_moment(guest);
	const Life *life = lives_last(&guest->lives);
	Fault fault = { 0 };

	if (life->end == LIFE_GOES_ON && spec_expects_console(guest->resources->plan->spec) &&
	    life_is_silent(life, now.console_bytes)) {
		(void) fault_guest_silent(guest->resources->plan, life, &fault);
		guest_remark(guest, &fault);
	}
	if (life->end == LIFE_GOES_ON)
		guest_remark_drivers(guest, life);
	return 0;
}

/* timeouts.guest of the life that goes on, which began so long ago. */
static void guest_watch(Guest *guest, uint64_t lasted_usec)
{
	const Spec *spec = guest->resources->plan->spec;
	uint64_t limit_usec = spec->timeouts.guest_usec;

	guest->timer = sd_event_source_disable_unref(guest->timer);
	if (lasted_usec < limit_usec &&
	    (spec_expects_console(spec) || drivers_can_be_seen(guest->resources->plan)))
		(void) timer_after(guest->event, &guest->timer, limit_usec - lasted_usec, 0,
				   on_time, guest);
}

static void guest_watch_clock(Guest *guest)
{
	(void) clock_watch_new(guest->event, guest->handler.on_remark, guest->handler.userdata,
			       &guest->clock);
}

void guest_life_begins(Guest *guest)
{
	LifeMoment now = guest_moment(guest);

	if (guest->given_up)
		return;
	lives_begin(&guest->lives, &now);
	guest_watch(guest, 0);
}

void guest_booted(Guest *guest)
{
	if (guest->lives.n > 0)
		return;
	guest_life_begins(guest);
	guest_watch_clock(guest);
}

void guest_continues(Guest *guest, bool unheard)
{
	const Life *life = lives_last(&guest->lives);

	if (!life) {
		guest_booted(guest);
		return;
	}
	if (unheard)
		lives_unheard(&guest->lives);
	if (life->end == LIFE_GOES_ON)
		guest_watch(guest, life_duration_usec(life, now_usec()));
	guest_watch_clock(guest);
}

void guest_life_ends(Guest *guest, LifeEnd end)
{
	const Plan *plan = guest->resources->plan;
	LifeMoment now = guest_moment(guest);
	Fault fault = { 0 };

	if (end == LIFE_REBOOT)
		guest_booted(guest);
	if (!lives_end(&guest->lives, &now, end, &plan->spec->crash_limit))
		return;
	guest->given_up = true;
	(void) fault_crash_limit(plan, &guest->lives, &fault);
	guest->handler.on_given_up(&fault, guest->handler.userdata);
	fault_done(&fault);
}

/* What the console says explains, and ends nothing: the guest's users write there, too. */
void guest_hear(const char *bytes, size_t n, void *userdata)
{
	Guest *guest = userdata;
	const Life *life;
	Fault fault = { 0 };

	if (!lives_hear(&guest->lives, bytes, n))
		return;
	life = lives_last(&guest->lives);
	if (streq(guest->told, life->words.text))
		return;
	memcpy(guest->told, life->words.text, sizeof(guest->told));
	(void) fault_guest_death(life, &fault);
	guest_remark(guest, &fault);
}
