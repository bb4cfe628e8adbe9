// lathe env: what this build is, and what it finds on this machine.
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "train/environment.h"

namespace lathe::apps {
namespace {

using Json = nlohmann::ordered_json;

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  if (value.is_array()) {
    for (const Json& item : value) text += (text.empty() ? "" : " ") + plain(item);
  } else if (value.is_object()) {
    for (const auto& [name, item] : value.items())
      if (item != "") text += (text.empty() ? "" : ", ") + name + " " + plain(item);
  } else {
    text = value.dump();
  }
  return text;
}

int run(const CommonOptions& common) {
  const Json env = environment();
  if (common.json) {
    print_json(env);
    return 0;
  }
  for (const auto& [name, value] : env.items()) {
    std::cout << name << std::string(11 - name.size(), ' ');
    if (name == "devices") {
      for (const Json& device : value)
        std::cout << (device == value.front() ? "" : "; ") << plain(device["device"])
                  << (device["available"] ? " (" + plain(device["name"]) + ")"
                                          : ": not here, " + plain(device["why"]));
      std::cout << "\n";
    } else {
      std::cout << plain(value) << "\n";
    }
  }
  return 0;
}

}  // namespace

void add_env(Program& program) {
  program.add("env", "versions, CPU features, devices, which libraries were found").run([&program] {
    return run(program.common);
  });
}

}  // namespace lathe::apps
