/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/state-file.h"

/*
 * The listening socket that a backend was given as that descriptor: out of its process, or out of a child of it, to
 * which virtiofsd leaves all when it has made its sandbox. A new descriptor; -EBADF: none has it, or we may not trace
 * them (pidfd_getfd(2)), as in the unit.
 */
int listener_take(const StateProcess *process, int number);
