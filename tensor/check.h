// Errors of the whole library: one exception type whose kind becomes the program's exit code, and
// LATHE_CHECK, which throws it. A message says `op or file: what was expected, what came`; the
// layer in which it happened is put in front.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace lathe {

/// What went wrong, and the exit code of `lathe`: wrong use 2, bad data or file 3, NaN or Inf 4,
/// device, memory or disk 5.
enum class ErrorKind { usage = 2, data = 3, numeric = 4, device = 5 };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// While alive, errors of this thread begin with `path: ` (a layer's name). The text must outlive
/// the scope.
class ErrorScope {
 public:
  explicit ErrorScope(const std::string& path) : outer_(current) {
    current = path.empty() ? outer_ : &path;
  }
  explicit ErrorScope(std::string&&) = delete;  // the path must outlive the scope
  ~ErrorScope() { current = outer_; }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  static std::string prefix() { return current ? *current + ": " : std::string(); }

 private:
  const std::string* outer_;
  static thread_local const std::string* current;
};

/// The parts written one after another, as by `<<`.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

/// Throws an Error of this kind whose message is the parts written one after another.
template <class... Parts>
[[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
  throw Error(kind, ErrorScope::prefix() + concat(parts...));
}

}  // namespace lathe

/// Throws Error(usage) with the message built from the further arguments unless the condition
/// holds.
#define LATHE_CHECK(condition, ...)                          \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::lathe::fail(::lathe::ErrorKind::usage, __VA_ARGS__); \
  } while (0)
