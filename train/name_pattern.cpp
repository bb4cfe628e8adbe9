#include "train/name_pattern.h"

#include <algorithm>

#include "tensor/suggest.h"

namespace lathe {

bool matches(const std::string& pattern, const std::string& name) {
  size_t p = 0, n = 0, star = std::string::npos, tried = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++tried;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool names(const std::string& pattern, const std::string& name) {
  return matches(pattern, name) || matches(pattern + ".*", name);
}

void check_names(const std::string& key, const std::vector<std::string>& patterns, Module& model) {
  const std::vector<NamedTensor> parameters = model.named_parameters();
  for (const std::string& pattern : patterns) {
    const auto named = [&](const NamedTensor& p) { return names(pattern, p.name); };
    if (std::any_of(parameters.begin(), parameters.end(), named)) continue;
    std::vector<std::string> known;  // what a pattern can be: a parameter, or a beginning of it
    for (const NamedTensor& p : parameters)
      for (size_t dot = 0; dot != std::string::npos;) {
        dot = p.name.find('.', dot + 1);
        known.push_back(p.name.substr(0, dot));
      }
    fail(ErrorKind::usage, key, ": '", pattern, "' names no parameter of the model",
         suggestion(pattern, known));
  }
}

}  // namespace lathe
