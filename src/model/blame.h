/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/start-times.h"

/* Where the time of a start went, for people: `mvmd blame`. When it was is the caller's to say. */

/* "17us", "9.6ms", "1.204s": as long as a person reads it; lies in buffer. */
const char *format_took(char buffer[FORMAT_MAX], uint64_t usec);

/* A table with a bar for each phase and step. when: "2026-11-22 09:41:03". 0 or -ENOMEM. */
int blame_to_text(const StartTimes *times, const char *when, char **ret);

/* The same as a picture, an SVG document of its own. */
int blame_to_svg(const StartTimes *times, const char *when, char **ret);
