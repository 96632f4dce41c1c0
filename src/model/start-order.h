/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/spec.h"

/*
 * Which VM starts after which: what "after" of all specs comes to. Entries that would close a circle are left out, so
 * that what is left is an order: systemd, too, cuts a circle, but by dropping one of its VMs from the boot.
 *
 * The entries are taken VM by VM in the order of names, those of one VM as they are written, and each stays unless it
 * closes a circle with those before it. What becomes of an entry so depends on the VMs of its circles alone, and is the
 * same whether all specs are looked at or only those that one VM leads to.
 */

typedef struct OrderEdge {
	size_t to; /* index of the VM that comes before */
	bool known; /* there is a spec of that name; else 'to' means nothing */
	bool left_out; /* it would close a circle */
} OrderEdge;

typedef struct OrderVm {
	const Spec *spec; /* not ours */
	OrderEdge *edges; /* one for each entry of the spec's "after" */
} OrderVm;

/* Zero-initialise. */
typedef struct StartOrder {
	OrderVm *vms; /* by name */
	size_t n;
} StartOrder;

/* Of these specs, each of another VM, which must outlive it. Returns 0 or -ENOMEM. */
int start_order_build(Spec *const *specs, size_t n, StartOrder *ret);
void start_order_done(StartOrder *order);

/* NULL: there is no such VM. */
const OrderVm *start_order_find(const StartOrder *order, const char *name);

/*
 * Sorts names so that each VM comes behind those that it comes after, directly or by way of others; otherwise, and for
 * names without a spec, the order stays. Returns 0 or -ENOMEM.
 */
int start_order_sort(const StartOrder *order, StrList *names);

/*
 * Adds a fault for each entry that is left out, with its whole circle and the exit code 78; of the VM of that name
 * alone where name is not NULL: for the circles that it is part of. Returns 0 or -ENOMEM.
 */
int start_order_circles(const StartOrder *order, const char *name, FaultList *ret);

/*
 * Adds a warning for each entry of the spec's "after" that is none of names, those of all specs. Returns 0 or -ENOMEM.
 */
int start_order_unknown(const Spec *spec, const StrList *names, FaultList *ret);
