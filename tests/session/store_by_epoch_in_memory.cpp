// SPDX-License-Identifier: BSL-1.0
#include "store_kind.hpp"

const session_tests::StoreKind session_tests::by_epoch_in_memory = store_kind<ByEpoch, InMemory>("Versioned<group_epoch> in memory");
