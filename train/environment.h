// What a result was made with: Lathe's version and commit, compiler, build options, processor,
// devices and libraries. For `lathe env` and the env.json of a run.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lathe {

/// "0.1.0".
std::string version();
/// A build option by name: "cuda" gives ON, EMULATE or OFF. Empty when there is none of that name.
std::string build_option(const std::string& name);
/// {"version", "commit", "compiler", "build", "cpu", "devices", "libraries"}.
nlohmann::ordered_json environment();

}  // namespace lathe
