/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "host/sock.h"
#include "run/connector.h"

#define CONNECTOR_ACCURACY_USEC USEC_PER_MSEC

struct Connector {
	ConnectorConfig config;
	Attempts attempts;
	sd_event_source *timer; /* the next try */
};

Connector *connector_free(Connector *connector)
{
	if (!connector)
		return NULL;
	(void) sd_event_source_disable_unref(connector->timer);
	free(connector);
	return NULL;
}

/* Only spreads pauses: a number that is not random does no harm. */
static uint32_t random_number(void)
{
	uint32_t random = 0;

	(void) !getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return random;
}

/* 1: it is there; 0: the next try is due at *ret_usec; -ETIMEDOUT; or the try's -errno. */
static int try_once(const ConnectorConfig *config, Attempts *attempts, uint64_t *ret_usec)
{
	AttemptResult result = { 0 };
	uint64_t now;
	int r;

	r = config->attempt(&result, config->userdata);
	if (r != 0)
		return r;
	now = now_usec();
	attempts_add(attempts, now, &result);
	return attempts_next(attempts, now, random_number(), ret_usec) ? 0 : -ETIMEDOUT;
}

static int schedule(Connector *connector, uint64_t usec)
{
	int r = sd_event_source_set_time(connector->timer, usec);

	return r < 0 ? r : sd_event_source_set_enabled(connector->timer, SD_EVENT_ONESHOT);
}

/* The handler may free the connector, so nothing may follow. */
static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	Connector *connector = userdata;
	uint64_t next_usec;
	int r = try_once(&connector->config, &connector->attempts, &next_usec);

	if (r == 0)
		r = schedule(connector, next_usec);
	if (r != 0)
		connector->config.on_end(r > 0 ? 0 : r, &connector->attempts,
					 connector->config.userdata);
	return 0;
}

int connector_start(sd_event *event, const ConnectorConfig *config, Connector **ret)
{
	_cleanup_(connector_free_p) Connector *connector = calloc(1, sizeof(*connector));
	uint64_t now = now_usec();
	int r;

	if (!connector)
		return -ENOMEM;
	connector->config = *config;
	attempts_begin(&connector->attempts, &config->backoff, now, config->timeout_usec);
	r = sd_event_add_time(event, &connector->timer, CLOCK_MONOTONIC, now,
			      CONNECTOR_ACCURACY_USEC, on_time, connector);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(connector);
	return 0;
}

void connector_stir(Connector *connector)
{
	attempts_stir(&connector->attempts);
	(void) schedule(connector, now_usec());
}

static void sleep_until(uint64_t usec)
{
	const struct timespec until = { .tv_sec = (time_t) (usec / USEC_PER_SEC),
					.tv_nsec = (long) (usec % USEC_PER_SEC * NSEC_PER_USEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

int connector_wait(const ConnectorConfig *config, Attempts *ret)
{
	uint64_t next_usec;
	int r;

	attempts_begin(ret, &config->backoff, now_usec(), config->timeout_usec);
	while ((r = try_once(config, ret, &next_usec)) == 0)
		sleep_until(next_usec);
	return r > 0 ? 0 : r;
}

int attempt_connect(const char *path, int *ret_fd, AttemptResult *ret)
{
	int r = sock_connect(path, ret_fd);

	if (r == 0)
		return 1;
	/* unix(7): EAGAIN is a backlog that is full. */
	if (r != -ENOENT && r != -ECONNREFUSED && r != -EAGAIN)
		return r;
	*ret = (AttemptResult){ r, r == -EAGAIN ? "the listener's queue is full" : NULL };
	return 0;
}
