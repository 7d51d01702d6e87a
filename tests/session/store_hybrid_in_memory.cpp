// SPDX-License-Identifier: BSL-1.0
#include "store_kind.hpp"

const session_tests::StoreKind session_tests::hybrid_in_memory = store_kind<larder::Hybrid, InMemory>("Hybrid in memory");
