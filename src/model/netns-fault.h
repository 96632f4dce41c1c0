/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/* The network namespace that the spec names cannot be entered: error, as netns_enter() has it. Returns error. */
int fault_netns(const char *name, int error, Fault *fault);

/*
 * What was found of the VM's links was found in there: says so, and makes the commands of the remedy those that work
 * there ("ip -n blue link set br0 up"). Nothing where netns is NULL, where no command is about links, and the second
 * time.
 */
void fault_in_netns(const char *netns, Fault *fault);
void faults_in_netns(const char *netns, FaultList *faults);

/* What plan_problems() finds about it. 0 or -ENOMEM. */
int netns_problems(const Spec *spec, const Facts *facts, FaultList *faults);
