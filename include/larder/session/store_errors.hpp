// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <larder/error.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <string>
#include <type_traits>

namespace larder {
inline namespace v0 {

/// Why there is no good session, where an answer that says so is taken for an error (`or_throw`): the values of the session store's error category.
enum class session_errc {
    expired = 1, ///< A limit of its time has passed.
    revoked,     ///< It was ended.
    reused,      ///< The refresh token had been replaced.
    unknown,     ///< There is no such session, or the token is none.
    refused,     ///< The user has as many sessions as one may have.
};

/// The session store's error category: its name is "larder.session".
inline const boost::system::error_category& session_error_category() noexcept {
    struct Category final : boost::system::error_category {
        const char* name() const noexcept override { return "larder.session"; }
        std::string message(int value) const override {
            switch (static_cast<session_errc>(value)) {
            case session_errc::expired: return "the session has expired";
            case session_errc::revoked: return "the session was ended";
            case session_errc::reused: return "the refresh token had been exchanged before; its sessions were ended";
            case session_errc::unknown: return "there is no such session, or the token is none";
            case session_errc::refused: return "the user has as many sessions as one may have";
            }
            return "unknown session error";
        }
    };
    static const Category category;
    return category;
}

inline boost::system::error_code make_error_code(session_errc code) noexcept { return {static_cast<int>(code), session_error_category()}; }

inline bool operator==(const Error& failure, session_errc value) noexcept { return failure.code == make_error_code(value); }

} // namespace v0
} // namespace larder

template <>
struct boost::system::is_error_code_enum<larder::session_errc> : std::true_type {};
