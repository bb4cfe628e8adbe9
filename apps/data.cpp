// lathe data: data that the program makes itself.
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "data/make_landmarks.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string kind, folder;
  MakeLandmarksOptions sizes;
};

int make(Options options, const CommonOptions& common) {
  LATHE_CHECK(options.kind == "landmarks", "data make: there is no kind '", options.kind,
              "'; expects landmarks", suggestion(options.kind, {"landmarks"}));
  for (auto [name, count] : {std::pair("--train", options.sizes.train),
                             {"--valid", options.sizes.valid},
                             {"--test", options.sizes.test}})
    LATHE_CHECK(count >= 1 && count <= 10'000'000, name, ": expects at least 1 sample, got ",
                count);
  if (common.seed) options.sizes.seed = uint64_t(*common.seed);
  make_landmarks(options.folder, options.sizes);
  if (common.json)
    print_json({{"folder", options.folder},
                {"train", options.sizes.train},
                {"valid", options.sizes.valid},
                {"test", options.sizes.test}});
  else if (!common.quiet)
    std::cerr << "synthetic landmarks in " << options.folder << ": " << options.sizes.train
              << " samples to train on, " << options.sizes.valid << " to validate, "
              << options.sizes.test << " to test\n";
  return 0;
}

}  // namespace

void add_data(Program& program) {
  auto options = std::make_shared<Options>();
  Command& command = program.add("make", "writes synthetic data: landmarks", "data");
  command.argument("KIND", options->kind, "landmarks")
      .argument("DIR", options->folder, "the folder to write to; made where needed")
      .option("--train", options->sizes.train, "samples to train on")
      .option("--valid", options->sizes.valid, "samples to validate with")
      .option("--test", options->sizes.test, "samples to test with")
      .run([&program, options] { return make(*options, program.common); });
}

}  // namespace lathe::apps
