/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The MESSAGE_ID of a finding: a hash of its id, so that a new row needs no number. A UUID of version 8 (RFC 9562),
 * 32 hexadecimal digits: the two halves are fnv1a64() of "NAMESPACE/id" and of "id/NAMESPACE".
 */
#define MESSAGE_ID_MAX 33
const char *message_id_of_finding(char buffer[MESSAGE_ID_MAX], const char *id);
