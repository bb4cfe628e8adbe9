#include "data/normalize.h"

#include <cmath>

namespace lathe {
namespace {

/// Calls f(channel, value) for every value of every sample.
template <class F>
void for_each_value(const Dataset& data, const F& f) {
  const int64_t channels = data.channels();
  dispatch_float("normalize", data.dtype(), [&]<class T>() {
    Tensor sample = Tensor::empty(data.sample_shape(), data.dtype());
    const T* const values = sample.data<T>();
    for (int64_t index = 0; index < data.size(); ++index) {
      data.fill(index, 0, sample.raw());
      for (int64_t row = 0; row < sample.numel(); row += channels)
        for (int64_t c = 0; c < channels; ++c) f(c, double(values[row + c]));
    }
  });
}

}  // namespace

Normalization measure_normalization(const Dataset& data) {
  const int64_t channels = data.channels();
  const double count = double(data.size() * (data.sample_shape().numel() / channels));
  LATHE_CHECK(count > 0, "normalize: there are no samples to measure");
  std::vector<double> mean(static_cast<size_t>(channels)), std(mean);
  for_each_value(data, [&](int64_t c, double value) { mean[size_t(c)] += value; });
  for (double& m : mean) m /= count;
  for_each_value(data, [&](int64_t c, double value) {
    const double d = value - mean[size_t(c)];
    std[size_t(c)] += d * d;
  });
  for (size_t c = 0; c < std.size(); ++c) {
    std[c] = std::sqrt(std[c] / count);
    if (!(std[c] > 1e-12 * std::abs(mean[c]))) std[c] = 1;  // rounding alone makes it differ from 0
  }
  return {Tensor::from(mean, {channels}), Tensor::from(std, {channels})};
}

NormalizedDataset::NormalizedDataset(std::shared_ptr<const Dataset> data,
                                     Normalization normalization)
    : ForwardingDataset(std::move(data)), normalization_(std::move(normalization)) {
  const Shape expected{channels()};
  for (const Tensor& t : {normalization_.mean, normalization_.std})
    if (t.shape() != expected || t.dtype() != DType::f64)
      fail(ErrorKind::data, "normalize: the data has ", expected[0],
           " channels, but the statistics have shape ", t.shape(), " and type ", t.dtype());
  for (double s : normalization_.std.to_vector<double>()) inverse_.push_back(1 / s);
}

void NormalizedDataset::fill(int64_t index, uint32_t epoch, void* to) const {
  ForwardingDataset::fill(index, epoch, to);
  const int64_t elements = sample_shape().numel(), channels = this->channels();
  const double* const mean = normalization_.mean.data<double>();
  dispatch_float("normalize", dtype(), [&]<class T>() {
    T* const values = static_cast<T*>(to);
    for (int64_t row = 0; row < elements; row += channels)
      for (int64_t c = 0; c < channels; ++c)
        values[row + c] = T((double(values[row + c]) - mean[c]) * inverse_[size_t(c)]);
  });
}

}  // namespace lathe
