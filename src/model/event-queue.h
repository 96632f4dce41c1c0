/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "model/lifecycle.h"

/*
 * What happened to a VM and is not dealt with yet, each once: what is posted twice happens once, so a flood of
 * one event (a VMM's, which its guest may have taken over) leaves room for the others. Zero-initialise.
 */
typedef struct EventQueue {
	VmEvent items[_VM_EVENT_MAX];
	size_t n;
} EventQueue;

bool event_queue_has(const EventQueue *queue, VmEvent event);
void event_queue_post(EventQueue *queue, VmEvent event);

/* The oldest; false where there is none. */
bool event_queue_take(EventQueue *queue, VmEvent *ret);
