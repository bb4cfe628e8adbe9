#include "data/disjoint.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

#include "tensor/check.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

void add(Origins& origins, const std::string& file, const std::string& group) {
  if (!group.empty()) origins.groups.insert(group);
  if (file.empty()) return;
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error);
  origins.files.insert(error ? file : real.string());
}

void check_none_in_both(const std::set<std::string>& a, const std::set<std::string>& b,
                        const std::string& sets, const char* what) {
  constexpr size_t shown = 5;
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  if (both.empty()) return;
  std::string text;
  for (size_t i = 0; i < std::min(shown, both.size()); ++i) text += "\n  " + both[i];
  if (both.size() > shown) text += concat("\n  and ", both.size() - shown, " more");
  fail(ErrorKind::data, sets, ": expects each ", what, " in one of them only; in both are", text);
}

}  // namespace

Origins origins_of(const ImageList& images) {
  Origins origins;
  for (const ImageItem& item : images.items) add(origins, item.path, item.group);
  return origins;
}

Origins origins_of(const Dataset& samples) {
  Origins origins;
  for (int64_t i = 0; i < samples.size(); ++i) add(origins, samples.source(i), samples.group(i));
  return origins;
}

void check_disjoint(const Origins& a, const std::string& a_name, const Origins& b,
                    const std::string& b_name) {
  const std::string sets = a_name + " and " + b_name;
  check_none_in_both(a.files, b.files, sets, "file");
  check_none_in_both(a.groups, b.groups, sets, "group");
}

}  // namespace lathe
