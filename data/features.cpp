#include "data/features.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tensor/check.h"
#include "tensor/serialize/weights_file.h"

namespace lathe {
namespace {

/// A list of text among a file's metadata: empty, or one a row.
std::vector<std::string> list_of(const WeightsFile& file, const std::string& name,
                                 const char* key) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return {};
  const nlohmann::json list = nlohmann::json::parse(found->second, nullptr, false);
  const auto is_text = [](const nlohmann::json& one) { return one.is_string(); };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_text))
    fail(ErrorKind::data, name, ": the metadata '", key, "' is no JSON list of text");
  return list.get<std::vector<std::string>>();
}

Tensor only_tensor(const WeightsFile& file, const std::string& name) {
  if (file.tensors.size() != 1)
    fail(ErrorKind::data, name, ": expects one array, got ", file.tensors.size());
  return file.tensors[0].tensor;
}

template <class From, class To>
void copy_row(const From* from, const Shape& shape, To* to) {
  if (shape.rank() == 1) {
    for (int64_t i = 0; i < shape[0]; ++i) to[i] = To(from[i]);
    return;
  }
  const int64_t pixels = shape[0] * shape[1], channels = shape[2];  // (C, pixels) to (pixels, C)
  for (int64_t p = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c) to[p * channels + c] = To(from[c * pixels + p]);
}

}  // namespace

FeatureDataset::FeatureDataset(const std::filesystem::path& file,
                               const std::filesystem::path& labels, DType dtype)
    : dtype_(dtype) {
  const std::string name = file.string();
  const WeightsFile read = read_weights(file);
  features_ = labels.empty() ? find(read.tensors, "features") : only_tensor(read, name);
  if (!features_)
    fail(ErrorKind::data, name, ": holds no tensor 'features'; `lathe extract` writes such files");
  const int rank = features_.rank();
  const bool fits = is_floating(features_.dtype()) && features_.dtype() != DType::bf16 &&
                    (rank == 2 || rank == 4) && features_.numel() > 0;
  if (!fits)
    fail(ErrorKind::data, name,
         ": expects features (N, F) or (N, C, H, W) of f16, f32 or f64, got ", features_.shape(),
         " ", features_.dtype());
  shape_ = rank == 2 ? Shape({features_.dim(1)})
                     : Shape({features_.dim(2), features_.dim(3), features_.dim(1)});
  classes_ = list_of(read, name, FeatureNames::classes);
  paths_ = list_of(read, name, FeatureNames::paths);
  groups_ = list_of(read, name, FeatureNames::groups);
  for (const auto* list : {&paths_, &groups_})
    if (!list->empty() && int64_t(list->size()) != size())
      fail(ErrorKind::data, name, ": names ", list->size(), " paths or groups for ", size(),
           " rows");
  if (labels.empty())
    read_labels(name, find(read.tensors, "labels"));
  else
    read_labels(labels.string(), only_tensor(read_weights(labels), labels.string()));
}

void FeatureDataset::read_labels(const std::string& name, const Tensor& labels) {
  if (!labels) return;
  labels_ = is_floating(labels.dtype()) ? labels : labels.to(DType::i64);
  if (is_floating(labels.dtype()) || labels.shape() != Shape({size()}))
    fail(ErrorKind::data, name, ": expects labels of shape (", size(), ",), whole numbers, got ",
         labels.shape(), " ", labels.dtype());
  const int64_t* const label = labels_.data<int64_t>();
  const auto [least, most] = std::minmax_element(label, label + size());
  if (classes_.empty())
    for (int64_t i = 0; i <= std::min<int64_t>(*most, 100'000); ++i)
      classes_.push_back(std::to_string(i));
  if (*least < -1 || *most >= int64_t(classes_.size()))
    fail(ErrorKind::data, name, ": expects labels from 0 to ", int64_t(classes_.size()) - 1,
         ", or -1, got ", *least < -1 ? *least : *most);
}

void FeatureDataset::fill(int64_t index, uint32_t, void* to) const {
  const std::byte* const row =
      features_.raw() + index * shape_.numel() * size_of(features_.dtype());
  dispatch_float("features", dtype_, [&]<class To>() {
    To* const values = static_cast<To*>(to);
    if (features_.dtype() == DType::f16)
      copy_row(reinterpret_cast<const f16*>(row), shape_, values);
    else if (features_.dtype() == DType::f32)
      copy_row(reinterpret_cast<const float*>(row), shape_, values);
    else
      copy_row(reinterpret_cast<const double*>(row), shape_, values);
  });
}

}  // namespace lathe
