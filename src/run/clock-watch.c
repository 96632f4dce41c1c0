/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "model/run-faults.h"
#include "run/clock-watch.h"

/* What NTP corrects now and then is no jump. */
#define CLOCK_JUMP_MIN_USEC ((int64_t) USEC_PER_SEC)

struct ClockWatch {
	sd_event_source *source;
	int fd;
	int64_t offset_usec; /* the clock's, from the time since boot, which goes on in a suspend and is never set */
	ClockHandler handler;
	void *userdata;
};

static int64_t clock_usec(clockid_t id)
{
	struct timespec now = { 0 };

	(void) clock_gettime(id, &now);
	return (int64_t) now.tv_sec * (int64_t) USEC_PER_SEC + now.tv_nsec / (long) NSEC_PER_USEC;
}

static int64_t clock_offset_usec(void)
{
	return clock_usec(CLOCK_REALTIME) - clock_usec(CLOCK_BOOTTIME);
}

/* A timer that never comes: it is only cancelled, whenever somebody sets the clock (timerfd_create(2)). */
static int clock_arm(const ClockWatch *watch)
{
	const struct itimerspec never = { .it_value.tv_sec = INT32_MAX };
	const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;

	return timerfd_settime(watch->fd, flags, &never, NULL) < 0 ? -errno : 0;
}

static int on_set(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	ClockWatch *watch = userdata;
	int64_t offset_usec = clock_offset_usec(), jump_usec = offset_usec - watch->offset_usec;
	uint64_t expirations;
	Fault fault = { 0 };

	(void) !read(fd, &expirations,
		     sizeof(expirations)); /* -ECANCELED, and so it ends to be readable */
	watch->offset_usec = offset_usec;
	if (clock_arm(watch) < 0)
		(void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (llabs(jump_usec) < CLOCK_JUMP_MIN_USEC)
		return 0;
	(void) fault_clock_jump(jump_usec, &fault);
	watch->handler(&fault, watch->userdata);
	fault_done(&fault);
	return 0;
}

int clock_watch_new(sd_event *event, ClockHandler handler, void *userdata, ClockWatch **ret)
{
	_cleanup_(clock_watch_free_p) ClockWatch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->handler = handler;
	watch->userdata = userdata;
	watch->offset_usec = clock_offset_usec();
	watch->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->fd < 0)
		return -errno;
	r = clock_arm(watch);
	if (r == 0)
		r = sd_event_add_io(event, &watch->source, watch->fd, EPOLLIN, on_set, watch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watch);
	return 0;
}

ClockWatch *clock_watch_free(ClockWatch *watch)
{
	if (!watch)
		return NULL;
	(void) sd_event_source_disable_unref(watch->source);
	(void) close_fd(watch->fd);
	free(watch);
	return NULL;
}
