#include "train/classification_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/check.h"

namespace lathe {
namespace {

/// How many characters a text in UTF-8 has.
size_t length_of(const std::string& text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string classification_report(const Confusion& confusion,
                                  const std::vector<std::string>& names) {
  LATHE_CHECK(confusion.size() == names.size(), "report: expects a name for each of ",
              confusion.size(), " classes, got ", names.size());
  size_t width = std::string("weighted avg").size();
  for (const std::string& name : names) width = std::max(width, length_of(name));
  auto heading = [&](const std::string& name) {
    return std::string(width - length_of(name), ' ') + name + " ";
  };
  auto row = [&](const std::string& name, const ClassMeasures& m) {
    return heading(name) + fmt::format(" {:>9.2f} {:>9.2f} {:>9.2f} {:>9}\n", m.precision, m.recall,
                                       m.f1, m.support);
  };
  std::string text = heading("") + " precision    recall  f1-score   support\n\n";
  int64_t correct = 0;
  for (size_t c = 0; c < names.size(); ++c) {
    text += row(names[c], measures_of(confusion, int64_t(c)));
    correct += confusion[c][c];
  }
  const ClassMeasures weighted = weighted_mean(confusion);
  const double accuracy = weighted.support ? double(correct) / double(weighted.support) : 0;
  text += "\n" + heading("accuracy") +
          fmt::format(" {:>9} {:>9} {:>9.2f} {:>9}\n", "", "", accuracy, weighted.support);
  return text + row("macro avg", macro_mean(confusion)) + row("weighted avg", weighted);
}

}  // namespace lathe
