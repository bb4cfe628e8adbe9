// The folders know each other in one direction only; this reads the #include lines and says which
// points the other way.
#include <algorithm>
#include <fstream>
#include <map>

#include "tests/support.h"

namespace fs = std::filesystem;

namespace {

const std::map<std::string, std::vector<std::string>> allowed = {
    {"tensor", {"tensor"}},
    {"kernels", {"tensor", "kernels"}},
    {"layers", {"tensor", "kernels", "layers"}},
    {"data", {"tensor", "data"}},
    {"optim", {"tensor", "kernels", "layers", "optim"}},
    {"models", {"tensor", "kernels", "layers", "models"}},
    {"train", {"tensor", "kernels", "layers", "data", "optim", "models", "train"}},
};

/// "kernels" of `#include "kernels/softmax.h"`; empty for other lines.
std::string included_folder(const std::string& line) {
  const std::string start = "#include \"";
  if (line.rfind(start, 0) != 0) return "";
  const size_t slash = line.find('/');
  return slash == std::string::npos ? "" : line.substr(start.size(), slash - start.size());
}

}  // namespace

TEST_CASE("includes point one way") {
  for (const auto& [folder, known] : allowed) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(LATHE_SOURCE) / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu" && extension != ".cuh")
        continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        const std::string to = included_folder(line);
        if (to.empty() || !allowed.count(to)) continue;
        INFO(entry.path().string() << ": " << line);
        CHECK(std::find(known.begin(), known.end(), to) != known.end());
      }
    }
  }
}
