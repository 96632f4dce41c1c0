/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* The least that shows that a vhost-user backend serves: one question, one answer. */

/* A descriptor, or -1. */
int vhost_user_connect(const char *path);
void vhost_user_ask_features(int fd);

/* Waits for the answer. */
bool vhost_user_read_features(int fd);
