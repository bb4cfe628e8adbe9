#include "train/classes.h"

#include <algorithm>
#include <cctype>

#include "data/forwarding.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

/// A dataset whose labels are numbers into another list of classes.
class RelabelledDataset final : public ForwardingDataset {
 public:
  RelabelledDataset(std::shared_ptr<const Dataset> data, std::vector<std::string> classes,
                    std::vector<int64_t> map)
      : ForwardingDataset(std::move(data)), classes_(std::move(classes)), map_(std::move(map)) {}
  int64_t label(int64_t index) const override {
    const int64_t label = data().label(index);
    return label < 0 ? label : map_[size_t(label)];
  }
  const std::vector<std::string>& class_names() const override { return classes_; }

 private:
  std::vector<std::string> classes_;
  std::vector<int64_t> map_;
};

int64_t index_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? -1 : found - names.begin();
}

/// The same, else in letters of any case: REAL is real.
int64_t index_of_name(const std::vector<std::string>& names, const std::string& name) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  if (const int64_t exact = index_of(names, name); exact >= 0) return exact;
  const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& one) {
    return lower(one) == lower(name);
  });
  return found == names.end() ? -1 : found - names.begin();
}

/// "0", "1", …: classes of which only the numbers are known.
bool are_numbers(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] != std::to_string(i)) return false;
  return true;
}

}  // namespace

std::vector<std::string> class_names(const Recipe& recipe, const Dataset& train) {
  return recipe.data.classes.empty() ? train.class_names() : recipe.data.classes;
}

std::shared_ptr<const Dataset> with_classes(std::shared_ptr<const Dataset> data,
                                            const std::vector<std::string>& classes) {
  const std::vector<std::string>& own = data->class_names();
  std::vector<int64_t> map;
  size_t known = 0;
  for (size_t i = 0; i < own.size(); ++i) {
    map.push_back(index_of_name(classes, own[i]));
    known += map.back() >= 0;
  }
  if (known == 0 && are_numbers(own) && own.size() <= classes.size())  // these have no names yet
    for (size_t i = 0; i < own.size(); ++i) map[i] = int64_t(i);
  else if (known < own.size())
    fail(ErrorKind::data, "data.classes: expects names for all of the data's classes ",
         list_text(own), ", got ", list_text(classes));
  return std::make_shared<RelabelledDataset>(std::move(data), classes, std::move(map));
}

int64_t positive_class(const Recipe& recipe, const std::vector<std::string>& classes) {
  if (recipe.data.positive.empty()) return 1;
  const int64_t index = index_of(classes, recipe.data.positive);
  LATHE_CHECK(index >= 0, "data.positive: there is no class '", recipe.data.positive, "'; expects ",
              list_text(classes));
  return index;
}

}  // namespace lathe
