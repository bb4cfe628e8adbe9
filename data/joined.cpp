#include "data/joined.h"

#include <algorithm>
#include <utility>

namespace lathe {

JoinedDataset::JoinedDataset(std::vector<std::shared_ptr<const Dataset>> parts)
    : parts_(std::move(parts)) {
  LATHE_CHECK(!parts_.empty(), "data: expects at least one part to join");
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Dataset& part = *parts_[i];
    if (part.sample_shape() != sample_shape() || part.dtype() != dtype())
      fail(ErrorKind::data, "data: part ", i + 1, " of the list has samples of ",
           part.sample_shape(), " ", part.dtype(), ", the first has ", sample_shape(), " ",
           dtype());
    begins_.push_back(begins_.back() + part.size());
    if (part.class_names().size() > class_names_.size()) class_names_ = part.class_names();
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::vector<std::string>& own = parts_[i]->class_names();
    if (!std::equal(own.begin(), own.end(), class_names_.begin()))
      fail(ErrorKind::data, "data: part ", i + 1, " of the list has other classes than the others");
  }
}

size_t JoinedDataset::part_of(int64_t index) const {
  return size_t(std::upper_bound(begins_.begin(), begins_.end(), index) - begins_.begin()) - 1;
}

void JoinedDataset::fill(int64_t index, uint32_t epoch, void* to) const {
  const size_t part = part_of(index);
  parts_[part]->fill(index - begins_[part], epoch, to);
}

int64_t JoinedDataset::label(int64_t index) const {
  const size_t part = part_of(index);
  return parts_[part]->label(index - begins_[part]);
}

std::string JoinedDataset::group(int64_t index) const {
  const size_t part = part_of(index);
  return parts_[part]->group(index - begins_[part]);
}

std::string JoinedDataset::source(int64_t index) const {
  const size_t part = part_of(index);
  return parts_[part]->source(index - begins_[part]);
}

}  // namespace lathe
