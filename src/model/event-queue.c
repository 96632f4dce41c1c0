/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "model/event-queue.h"

bool event_queue_has(const EventQueue *queue, VmEvent event)
{
	for (size_t i = 0; i < queue->n; i++)
		if (queue->items[i] == event)
			return true;
	return false;
}

void event_queue_post(EventQueue *queue, VmEvent event)
{
	if (!event_queue_has(queue, event))
		queue->items[queue->n++] = event;
}

bool event_queue_take(EventQueue *queue, VmEvent *ret)
{
	if (queue->n == 0)
		return false;
	*ret = queue->items[0];
	queue->n--;
	memmove(queue->items, queue->items + 1, queue->n * sizeof(queue->items[0]));
	return true;
}
