/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/spec-report.h"

/*
 * Tells of values that are right alone and do not go together. root is the merged tree that spec was
 * read from; what was found wrong in it before is not looked at again.
 */
void spec_rules_check(SpecReport *report, const JsonNode *root, const Spec *spec);
