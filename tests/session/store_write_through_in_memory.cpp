// SPDX-License-Identifier: BSL-1.0
#include "store_kind.hpp"

const session_tests::StoreKind session_tests::write_through_in_memory = store_kind<larder::WriteThrough, InMemory>("WriteThrough in memory");
