// SPDX-License-Identifier: BSL-1.0

// Those parts of the load program that are compiled.
#include "../../examples/session_load/reading.cpp"
#include "../../examples/session_load/src.cpp"
#include "../../examples/session_load/wire.cpp"
