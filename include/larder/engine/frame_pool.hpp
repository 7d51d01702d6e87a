// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define LARDER_WATCHES_FRAMES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_WATCHES_FRAMES
#endif
#endif

namespace larder {
inline namespace v0 {
namespace detail {

/// What the frames of one thread's tasks have left, by size.
struct LeftFrames {
    struct Frame {
        Frame* next;
    };
    struct Pile {
        Frame* top = nullptr;
        std::size_t height = 0;
    };
    static constexpr std::size_t grain = 128, piles = 32;

    std::array<Pile, piles> of{};
    enum class State : unsigned char {
        unused,  ///< Nobody sees yet to what is left here when the thread ends.
        used,
        closed,  ///< The thread ends: what still comes is not kept.
    } state = State::unused;

    void free_all() noexcept {
        for (Pile& pile : of)
            while (Frame* const frame = pile.top) {
                pile.top = frame->next;
                ::operator delete(frame);
            }
    }
};

/// A base of promises whose frames use again what earlier frames of the same thread have left, so that a verb mostly runs without asking
/// the heap for any. A frame may end on another thread than it began on.
///
/// Under AddressSanitizer each frame is the heap's, so that it sees one that is used after its end.
class PooledFrame {
public:
    static void* operator new(std::size_t size) {
        const std::size_t place = place_of(size);
        if (!pooled || place >= LeftFrames::piles) return ::operator new(size);
        auto& pile = left_.of[place];
        if (!pile.top) return ::operator new((place + 1) * LeftFrames::grain);
        auto* const frame = pile.top;
        pile.top = frame->next;
        --pile.height;
        return frame;
    }

    static void operator delete(void* memory, std::size_t size) noexcept {
        const std::size_t place = place_of(size);
        if (pooled && place < LeftFrames::piles && (left_.state == LeftFrames::State::used || open())) {
            auto& pile = left_.of[place];
            if (pile.height * (place + 1) < pile_grains) {
                pile.top = ::new (memory) LeftFrames::Frame{pile.top};
                ++pile.height;
                return;
            }
        }
        ::operator delete(memory);
    }

private:
#ifdef LARDER_WATCHES_FRAMES
    static constexpr bool pooled = false;
#else
    static constexpr bool pooled = true;
#endif
    static constexpr std::size_t pile_grains = 128; ///< How much of each size is kept, in grains.

    static constexpr std::size_t place_of(std::size_t size) noexcept { return (size - 1) / LeftFrames::grain; }

    /// Sees to it that what is left is freed when the thread ends. \returns false if it ends already.
    static bool open() noexcept {
        if (left_.state == LeftFrames::State::closed) return false;
        struct Ending {
            ~Ending() {
                left_.state = LeftFrames::State::closed;
                left_.free_all();
            }
        };
        static thread_local Ending ending;
        static_cast<void>(ending);
        left_.state = LeftFrames::State::used;
        return true;
    }

    /// Of a type that needs no destructor, so that reaching it costs no call.
    static inline constinit thread_local LeftFrames left_{};
};

} // namespace detail
} // namespace v0
} // namespace larder

#undef LARDER_WATCHES_FRAMES
