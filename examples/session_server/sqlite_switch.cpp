// SPDX-License-Identifier: BSL-1.0
#include "sqlite_switch.hpp"

#include <sqlite3.h>

#include <atomic>
#include <mutex>
#include <stdexcept>

namespace server::sqlite_switch {
namespace {

std::atomic<bool> off{false};

/// SQLite's own way to its files, and the same with locks that can fail. The table is the same for all files in WAL mode on one system.
const sqlite3_io_methods* original = nullptr;
sqlite3_io_methods switched{};
std::once_flag taken;

int lock(sqlite3_file* file, int kind) { return off ? SQLITE_IOERR_LOCK : original->xLock(file, kind); }

int lock_shared_memory(sqlite3_file* file, int offset, int count, int flags) {
    if ((flags & SQLITE_SHM_LOCK) != 0 && off) return SQLITE_IOERR_SHMLOCK;
    return original->xShmLock(file, offset, count, flags);
}

int opened(sqlite3* database, char**, const struct sqlite3_api_routines*) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file || !file->pMethods) return SQLITE_OK;
    std::call_once(taken, [&] {
        original = file->pMethods;
        switched = *original;
        switched.xLock = lock;
        if (switched.iVersion >= 2) switched.xShmLock = lock_shared_memory;
    });
    if (file->pMethods == original) file->pMethods = &switched;
    return SQLITE_OK;
}

} // namespace

void install() {
    if (sqlite3_auto_extension(reinterpret_cast<void (*)()>(&opened)) != SQLITE_OK) throw std::runtime_error("SQLite does not tell of its connections");
}

void turn(bool on) noexcept { off = !on; }

} // namespace server::sqlite_switch
