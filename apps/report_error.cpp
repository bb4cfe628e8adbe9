#include "apps/report_error.h"

#include <charconv>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "tensor/check.h"

namespace lathe::apps {
namespace {

const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::data:
      return "data";
    case ErrorKind::numeric:
      return "numeric";
    case ErrorKind::device:
      break;
  }
  return "device";
}

/// A message that begins `FILE: ` or `FILE:LINE: ` says where; by decision all that are about files
/// do.
void add_place(nlohmann::ordered_json& error, const std::string& message) {
  error["file"] = nullptr;
  error["line"] = nullptr;
  for (size_t colon = message.find(':'); colon != std::string::npos;
       colon = message.find(':', colon + 1)) {
    const std::string file = message.substr(0, colon);
    if (file.find('\n') != std::string::npos) return;
    if (file.find('.') == std::string::npos && file.find('/') == std::string::npos) continue;
    std::error_code ignored;
    const size_t digits = message.find_first_not_of("0123456789", colon + 1);
    const bool line = digits != std::string::npos && digits > colon + 1 && message[digits] == ':';
    if (!line && !std::filesystem::exists(file, ignored)) continue;
    error["file"] = file;
    if (line) {
      int64_t number = 0;
      const char* const end = message.data() + digits;
      // More digits than a line can have are somebody's file name.
      if (std::from_chars(message.data() + colon + 1, end, number).ec == std::errc())
        error["line"] = number;
    }
    return;
  }
}

int report(bool json, const std::string& kind, int code, const std::string& message) {
  std::cerr << "lathe: " << message << "\n";
  if (json) {
    nlohmann::ordered_json error = {{"kind", kind}, {"message", message}};
    add_place(error, message);
    print_json({{"error", error}});
  }
  return code;
}

}  // namespace

int report_error(bool json) {
  try {
    throw;
  } catch (const Error& e) {
    return report(json, kind_name(e.kind()), int(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return report(json, "device", 5, "out of memory");
  } catch (const std::filesystem::filesystem_error& e) {
    const bool full = e.code() == std::errc::no_space_on_device;
    return report(json, full ? "device" : "data", full ? 5 : 3, e.what());
  } catch (const std::exception& e) {
    return report(json, "internal", 1, std::string("internal error: ") + e.what());
  }
}

}  // namespace lathe::apps
