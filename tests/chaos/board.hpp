// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

namespace chaos {

/// What clients have to do.
enum class Phase : std::uint32_t {
    traffic, ///< Read and write.
    settle,  ///< Read only.
    last,    ///< Read every row once more, and end.
};

/// What all clients know without asking Larder: the small set of rows that they work on, in memory that the processes share, so that
/// it outlives each of them. It orders nothing: who reads it may read something old.
struct Board {
    static constexpr std::size_t slots = 16, users = 4, kept = 64;

    /// A row of the hot set.
    struct Slot {
        std::atomic<std::uint64_t> row{0}, token{0}, jti{0};
    };

    std::atomic<Phase> phase{Phase::traffic};
    std::atomic<std::uint64_t> last_row{0}, last_code{0}; ///< The highest numbers that were given out.
    std::array<Slot, slots> slot{};
    std::array<std::atomic<std::uint64_t>, kept> old_tokens{}; ///< Some that were rotated away.
    std::atomic<std::uint64_t> last_old{0};

    static std::int64_t user_of(std::size_t slot) noexcept { return 1 + static_cast<std::int64_t>(slot % users); }
    void retire_token(std::uint64_t token) noexcept { old_tokens[last_old++ % kept] = token; }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Phase>::is_always_lock_free, "they are shared by processes");

/// The board, mapped into this process.
class SharedBoard {
public:
    /// A new one.
    SharedBoard() : handle_(::memfd_create("board", MFD_CLOEXEC)) {
        if (handle_ < 0 || ::ftruncate(handle_, sizeof(Board)) != 0) fail();
        map();
        new (board_) Board;
    }
    /// That of another process. \param handle the open file, inherited.
    explicit SharedBoard(int handle) : handle_(handle) { map(); }
    SharedBoard(const SharedBoard&) = delete;
    SharedBoard& operator=(const SharedBoard&) = delete;
    ~SharedBoard() {
        ::munmap(board_, sizeof(Board));
        ::close(handle_);
    }

    Board* operator->() const noexcept { return static_cast<Board*>(board_); }
    Board& operator*() const noexcept { return *static_cast<Board*>(board_); }
    int handle() const noexcept { return handle_; }

private:
    [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category(), "the memory that the clients share"); }
    void map() {
        board_ = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, handle_, 0);
        if (board_ == MAP_FAILED) fail();
    }

    int handle_;
    void* board_ = nullptr;
};

} // namespace chaos
