// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace larder {
inline namespace v0 {
namespace detail {

/// An exclusive advisory lock on a file of its own, which the kernel gives back when the process ends, however it ends.
class FileLock {
public:
    FileLock() noexcept = default;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    enum class Result { taken, held_by_another, failed };

    /// Makes the file if needed and locks it, without waiting.
    Result take(const std::string& path) noexcept {
        descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (descriptor_ < 0) return Result::failed;
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return Result::taken;
        ::close(std::exchange(descriptor_, -1));
        return Result::held_by_another;
    }

private:
    int descriptor_ = -1;
};

} // namespace detail
} // namespace v0
} // namespace larder
