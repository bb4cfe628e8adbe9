// lathe convert: a file of tensors in another format, under other names.
#include <iostream>

#include "apps/commands.h"
#include "tensor/check.h"
#include "tensor/serialize/weights_file.h"
#include "train/renamed.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string in, out, prefix;
  std::vector<std::string> map;
};

/// "FROM=TO" as a pair; dots at the ends, as in "module.=", are not needed.
std::map<std::string, std::string> parse_map(const std::vector<std::string>& entries) {
  std::map<std::string, std::string> map;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    LATHE_CHECK(equals != std::string::npos && equals > 0, "--map: expects FROM=TO, got '", entry,
                "'");
    std::string from = entry.substr(0, equals), to = entry.substr(equals + 1);
    if (from.ends_with('.')) from.pop_back();
    if (to.ends_with('.')) to.pop_back();
    LATHE_CHECK(map.emplace(from, to).second, "--map: '", from, "' is given twice");
  }
  return map;
}

/// Throws unless every entry of the map fits a name: a mistyped one would change nothing.
void check_used(const std::map<std::string, std::string>& map, const WeightsFile& content) {
  for (const auto& [from, to] : map) {
    bool used = false;
    for (const StoredTensor& t : content.tensors)
      used |= t.name == from || t.name.starts_with(from + ".");
    LATHE_CHECK(used, "--map: no tensor is called '", from, "' or begins with '", from, ".'");
  }
}

int convert(const Options& options, const CommonOptions& common) {
  const auto map = parse_map(options.map);
  WeightsFile content = read_weights(options.in);
  print_notes(options.in, content.notes, common);
  check_used(map, content);
  for (StoredTensor& t : content.tensors) t.name = options.prefix + renamed(map, t.name);
  write_weights(options.out, content.tensors, content.metadata);
  if (!common.quiet)
    std::cerr << options.out << ": " << content.tensors.size() << " tensors from " << content.format
              << "\n";
  return 0;
}

}  // namespace

void add_convert(Program& program) {
  auto options = std::make_shared<Options>();
  program.add("convert", "a file of tensors in the format that another name ends with")
      .argument("IN", options->in, "a .safetensors, .pth, .npy or .npz; its content says which")
      .argument("OUT", options->out, "ends with .safetensors, .pth, .pt, .npy or .npz")
      .option("--map", options->map,
              "FROM=TO: renames a tensor, or all whose names begin with FROM; TO may be empty",
              "none")
      .option("--prefix", options->prefix, "put before all names, after --map", "none")
      .run([&program, options] { return convert(*options, program.common); });
}

}  // namespace lathe::apps
