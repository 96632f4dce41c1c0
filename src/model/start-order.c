/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/start-order.h"
#include "mvmd/exit-codes.h"

static int compare_vms(const void *a, const void *b)
{
	const OrderVm *one = a, *other = b;

	return strcmp(one->spec->name, other->spec->name);
}

static int compare_name(const void *name, const void *vm)
{
	return strcmp(name, ((const OrderVm *) vm)->spec->name);
}

const OrderVm *start_order_find(const StartOrder *order, const char *name)
{
	if (order->n == 0)
		return NULL;
	return bsearch(name, order->vms, order->n, sizeof(*order->vms), compare_name);
}

static int make_edges(StartOrder *order)
{
	for (size_t i = 0; i < order->n; i++) {
		OrderVm *vm = &order->vms[i];

		if (vm->spec->n_after == 0)
			continue;
		vm->edges = calloc(vm->spec->n_after, sizeof(*vm->edges));
		if (!vm->edges)
			return -ENOMEM;
		for (size_t j = 0; j < vm->spec->n_after; j++) {
			const OrderVm *to = start_order_find(order, vm->spec->after[j].name);

			vm->edges[j].known = to != NULL;
			vm->edges[j].to = to ? (size_t) (to - order->vms) : 0;
		}
	}
	return 0;
}

/* A walk over the VMs that one leads to. Zero-initialise and make it as large as the order. */
typedef struct Walk {
	size_t *stack; /* of VMs still to be looked at */
	size_t *came_from; /* by VM: the one that led to it, + 1; 0: not seen */
	size_t n_stack;
} Walk;

static int walk_init(Walk *walk, size_t n)
{
	walk->stack = calloc(n ?: 1, sizeof(*walk->stack));
	walk->came_from = calloc(n ?: 1, sizeof(*walk->came_from));
	return walk->stack && walk->came_from ? 0 : -ENOMEM;
}

static void walk_done(Walk *walk)
{
	free(walk->stack);
	free(walk->came_from);
}

/* How far it is decided what stays: of the VMs before this one all entries, of it those before that edge. */
typedef struct Decided {
	size_t vm, edge;
} Decided;

static bool edge_counts(const StartOrder *order, Decided upto, size_t vm, size_t edge)
{
	const OrderEdge *this = &order->vms[vm].edges[edge];

	return this->known && !this->left_out &&
	       (vm < upto.vm || (vm == upto.vm && edge < upto.edge));
}

/* Whether from leads to to by the entries that count; the way is then in walk->came_from. */
static bool leads_to(const StartOrder *order, Decided upto, size_t from, size_t to, Walk *walk)
{
	memset(walk->came_from, 0, order->n * sizeof(*walk->came_from));
	walk->stack[0] = from;
	walk->n_stack = 1;
	walk->came_from[from] = from + 1;
	while (walk->n_stack > 0) {
		size_t vm = walk->stack[--walk->n_stack];

		if (vm == to)
			return true;
		for (size_t i = 0; i < order->vms[vm].spec->n_after; i++) {
			size_t next = order->vms[vm].edges[i].to;

			if (!edge_counts(order, upto, vm, i) || walk->came_from[next])
				continue;
			walk->came_from[next] = vm + 1;
			walk->stack[walk->n_stack++] = next;
		}
	}
	return false;
}

/*
 * Takes those away that come after nothing, again and again: what stays leads to a circle, mostly none. Then the
 * walks, whose cost grows by the square, are few. *ret: by VM, whether it stays; the caller frees it.
 */
static int find_leading_to_circles(const StartOrder *order, bool **ret)
{
	_cleanup_free_ bool *stays = calloc(order->n ?: 1, sizeof(*stays));
	bool changed = true;

	if (!stays)
		return -ENOMEM;
	memset(stays, true, order->n * sizeof(*stays));
	while (changed) {
		changed = false;
		for (size_t i = 0; i < order->n; i++) {
			const OrderVm *vm = &order->vms[i];
			bool leads = false;

			for (size_t j = 0; stays[i] && j < vm->spec->n_after; j++)
				leads = leads || (vm->edges[j].known && stays[vm->edges[j].to]);
			changed = changed || (stays[i] && !leads);
			stays[i] = leads;
		}
	}
	*ret = TAKE_PTR(stays);
	return 0;
}

static int leave_out_circles(StartOrder *order)
{
	_cleanup_(walk_done) Walk walk = { 0 };
	_cleanup_free_ bool *circular = NULL;

	if (find_leading_to_circles(order, &circular) < 0 || walk_init(&walk, order->n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < order->n; i++)
		for (size_t j = 0; circular[i] && j < order->vms[i].spec->n_after; j++) {
			OrderEdge *edge = &order->vms[i].edges[j];
			const Decided upto = { i, j };

			edge->left_out = edge->known && circular[edge->to] &&
					 leads_to(order, upto, edge->to, i, &walk);
		}
	return 0;
}

int start_order_build(Spec *const *specs, size_t n, StartOrder *ret)
{
	_cleanup_(start_order_done) StartOrder order = { .n = n };

	order.vms = calloc(n ?: 1, sizeof(*order.vms));
	if (!order.vms)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order.vms[i].spec = specs[i];
	if (n > 0)
		qsort(order.vms, n, sizeof(*order.vms), compare_vms);
	if (make_edges(&order) < 0 || leave_out_circles(&order) < 0)
		return -ENOMEM;
	*ret = order;
	order = (StartOrder){ 0 };
	return 0;
}

void start_order_done(StartOrder *order)
{
	for (size_t i = 0; order->vms && i < order->n; i++)
		free(order->vms[i].edges);
	free(order->vms);
	*order = (StartOrder){ 0 };
}

/* Moves the names that the VM comes after to sorted, and then its own. */
typedef struct Sorting {
	const StartOrder *order;
	const StrList *names;
	bool *seen; /* by VM */
	StrList sorted;
} Sorting;

static void sort_from(Sorting *sorting, const OrderVm *vm)
{
	size_t index = (size_t) (vm - sorting->order->vms);

	if (sorting->seen[index])
		return;
	sorting->seen[index] = true;
	for (size_t i = 0; i < vm->spec->n_after; i++)
		if (vm->edges[i].known && !vm->edges[i].left_out)
			sort_from(sorting, &sorting->order->vms[vm->edges[i].to]);
	if (str_list_contains(sorting->names, vm->spec->name))
		str_list_add(&sorting->sorted, "%s", vm->spec->name);
}

int start_order_sort(const StartOrder *order, StrList *names)
{
	_cleanup_free_ bool *seen = calloc(order->n ?: 1, sizeof(*seen));
	Sorting sorting = { .order = order, .names = names, .seen = seen };

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < names->n; i++) {
		const OrderVm *vm = start_order_find(order, names->items[i]);

		if (vm)
			sort_from(&sorting, vm);
		else
			str_list_add(&sorting.sorted, "%s", names->items[i]);
	}
	if (sorting.sorted.failed) {
		str_list_done(&sorting.sorted);
		return -ENOMEM;
	}
	str_list_done(names);
	*names = sorting.sorted;
	return 0;
}

/* "a after b after c after a": the circle of an entry of vm that is left out, by the way back that walk has found. */
static int circle_words(const StartOrder *order, size_t vm, const Walk *walk, char **ret)
{
	_cleanup_(str_list_done) StrList back = { 0 };
	StrBuf words = { 0 };
	size_t at = vm;

	while (walk->came_from[at] != at + 1) {
		str_list_add(&back, "%s", order->vms[at].spec->name);
		at = walk->came_from[at] - 1;
	}
	str_list_add(&back, "%s", order->vms[at].spec->name);
	if (back.failed)
		return -ENOMEM;
	str_buf_add(&words, "%s", order->vms[vm].spec->name);
	for (size_t i = back.n; i-- > 0;)
		str_buf_add(&words, " after %s", back.items[i]);
	return str_buf_take(&words, ret);
}

static bool is_on_the_way(const StartOrder *order, const char *name, size_t vm, const Walk *walk)
{
	size_t at = vm;

	while (!streq(order->vms[at].spec->name, name) && walk->came_from[at] != at + 1)
		at = walk->came_from[at] - 1;
	return streq(order->vms[at].spec->name, name);
}

static int add_circle(const StartOrder *order, size_t vm, size_t edge, const Walk *walk,
		      FaultList *ret)
{
	const Spec *spec = order->vms[vm].spec;
	_cleanup_free_ char *circle = NULL;
	Fault fault = { 0 };

	if (circle_words(order, vm, walk, &circle) < 0)
		return -ENOMEM;
	(void) fault_set(&fault, -ELOOP, MVMD_EXIT_SPEC, "after-circle",
			 "\"after\" goes round in a circle: %s", circle);
	(void) fault_why(&fault, "no order has all of that; that %s comes after %s is left out",
			 spec->name, spec->after[edge].name);
	(void) fault_remedy(&fault,
			    "take one of these entries away, in %s that of \"%s\", and then: "
			    "systemctl daemon-reload",
			    spec->file ?: spec->name, spec->after[edge].name);
	(void) fault_evidence(&fault, "circle", "%s", circle);
	(void) fault_evidence(&fault, "left_out", "%s after %s", spec->name,
			      spec->after[edge].name);
	return fault_list_take(ret, &fault);
}

int start_order_circles(const StartOrder *order, const char *name, FaultList *ret)
{
	const Decided all = { order->n, 0 };
	_cleanup_(walk_done) Walk walk = { 0 };
	int r = walk_init(&walk, order->n);

	for (size_t i = 0; i < order->n; i++)
		for (size_t j = 0; r == 0 && j < order->vms[i].spec->n_after; j++) {
			const OrderEdge *edge = &order->vms[i].edges[j];

			if (edge->left_out && leads_to(order, all, edge->to, i, &walk) &&
			    (!name || is_on_the_way(order, name, i, &walk)))
				r = add_circle(order, i, j, &walk, ret);
		}
	return r;
}

int start_order_unknown(const Spec *spec, const StrList *names, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->n_after; i++) {
		const char *name = spec->after[i].name;
		const char *nearest =
			nearest_name(name, (const char *const *) names->items, names->n);
		Fault fault = { 0 };

		if (str_list_contains(names, name))
			continue;
		(void) fault_set(&fault, 0, MVMD_EXIT_OK, "after-unknown",
				 "\"after\" has %s, and there is no spec of that name", name);
		(void) fault_evidence(&fault, "name", "%s", name);
		if (nearest) {
			(void) fault_remedy(&fault, "did you mean \"%s\"?", nearest);
			(void) fault_evidence(&fault, "nearest", "%s", nearest);
		} else {
			(void) fault_remedy(&fault, "correct the name, or take it out; mvmd list "
						    "shows all");
		}
		r = fault_list_take(ret, &fault);
	}
	return r;
}
