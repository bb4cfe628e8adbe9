// lathe data make: data that the program makes itself.
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "data/make_faces.h"
#include "data/make_landmarks.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe::apps {
namespace {

struct Options {
  std::string kind, folder;
  std::optional<int64_t> train, valid, test, size;
};

/// Fills in what was said of numbers of samples and checks it.
template <class Made>
void set_sizes(Made& made, const Options& options, const CommonOptions& common) {
  made.train = options.train.value_or(made.train);
  made.valid = options.valid.value_or(made.valid);
  made.test = options.test.value_or(made.test);
  for (auto [name, count] :
       {std::pair("--train", made.train), {"--valid", made.valid}, {"--test", made.test}})
    LATHE_CHECK(count >= 1 && count <= 10'000'000, name, ": expects at least 1 sample, got ",
                count);
  if (common.seed) made.seed = uint64_t(*common.seed);
}

template <class Made>
int report(const Made& made, const Options& options, const CommonOptions& common) {
  if (common.json)
    print_json({{"folder", options.folder},
                {"train", made.train},
                {"valid", made.valid},
                {"test", made.test}});
  else if (!common.quiet)
    std::cerr << "synthetic " << options.kind << " in " << options.folder << ": " << made.train
              << " samples to train on, " << made.valid << " to validate, " << made.test
              << " to test\n";
  return 0;
}

int make(const Options& options, const CommonOptions& common) {
  const std::vector<std::string> kinds = {"landmarks", "faces"};
  if (options.kind == "faces") {
    MakeFacesOptions faces;
    set_sizes(faces, options, common);
    faces.size = options.size.value_or(faces.size);
    make_faces(options.folder, faces);
    return report(faces, options, common);
  }
  LATHE_CHECK(options.kind == "landmarks", "data make: there is no kind '", options.kind,
              "'; expects ", list_text(kinds), suggestion(options.kind, kinds));
  LATHE_CHECK(!options.size, "--size: landmarks have none");
  MakeLandmarksOptions landmarks;
  set_sizes(landmarks, options, common);
  make_landmarks(options.folder, landmarks);
  return report(landmarks, options, common);
}

}  // namespace

void add_data_make(Program& program) {
  auto options = std::make_shared<Options>();
  const MakeLandmarksOptions landmarks;
  const MakeFacesOptions faces;
  const auto otherwise = [](int64_t of_landmarks, int64_t of_faces) {
    return concat(of_landmarks, " landmarks, ", of_faces, " faces");
  };
  Command& command = program.add("make", "writes synthetic data: landmarks or faces", "data");
  command.argument("KIND", options->kind, "landmarks (CSV) or faces (JPEG, a folder a class)")
      .argument("DIR", options->folder, "the folder to write to; made where needed")
      .option("--train", options->train, "samples to train on",
              otherwise(landmarks.train, faces.train))
      .option("--valid", options->valid, "samples to validate with",
              otherwise(landmarks.valid, faces.valid))
      .option("--test", options->test, "samples to test with",
              otherwise(landmarks.test, faces.test))
      .option("--size", options->size, "width and height of faces in pixels",
              std::to_string(faces.size))
      .run([&program, options] { return make(*options, program.common); });
}

}  // namespace lathe::apps
