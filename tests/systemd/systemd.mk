# SPDX-License-Identifier: Apache-2.0
# What stands in a VMM's place and tries what it may not.
TEST_PARTS += $(BUILD)/tests/systemd/forbidden
