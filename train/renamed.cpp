#include "train/renamed.h"

namespace lathe {

std::string renamed(const std::map<std::string, std::string>& map, const std::string& name) {
  size_t longest = 0;
  std::string result = name;
  for (const auto& [from, to] : map) {
    const bool whole = name == from, beginning = name.starts_with(from + ".");
    if ((!whole && !beginning) || from.size() < longest) continue;
    longest = from.size();
    result = to + name.substr(from.size());
    if (to.empty() && beginning) result.erase(0, 1);
  }
  return result;
}

}  // namespace lathe
