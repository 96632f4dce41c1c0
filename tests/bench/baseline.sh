#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# baseline.sh TAP BRIDGE VMM: how a start is written by hand.
echo "main-realtime ${EPOCHREALTIME/[.,]/}000" >>"$MVMD_BENCH_STAMPS"
ip tuntap add "$1" mode tap
ip link set "$1" master "$2"
ip link set "$1" up
exec "$3"
