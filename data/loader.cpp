#include "data/loader.h"

#include <algorithm>
#include <span>
#include <utility>

namespace lathe {
namespace {

Sampler make_sampler(const Dataset& data, const LoaderOptions& options) {
  if (!options.balance) return Sampler(data.size(), options.shuffle, options.seed);
  std::vector<std::vector<int64_t>> classes(data.class_names().size());
  for (int64_t i = 0; i < data.size(); ++i) {
    const int64_t label = data.label(i);
    LATHE_CHECK(label >= 0 && label < int64_t(classes.size()),
                "data.balance: expects a class for each sample, sample ", i, " has none");
    classes[size_t(label)].push_back(i);
  }
  return Sampler(std::move(classes), options.seed);
}

}  // namespace

Loader::Loader(std::shared_ptr<const Dataset> data, const LoaderOptions& options)
    : data_(std::move(data)),
      options_(options),
      sampler_(make_sampler(*data_, options)),
      batches_(0) {
  LATHE_CHECK(options.batch_size >= 1, "loader: expects batch_size of 1 or more, got ",
              options.batch_size);
  LATHE_CHECK(options.workers >= 0 && options.workers <= 1024,
              "loader: expects 0 to 1024 workers, got ", options.workers);
  LATHE_CHECK(options.label_dtype == DType::i64 || options.label_dtype == DType::f32 ||
                  options.label_dtype == DType::f64,
              "loader: expects labels of i64, f32 or f64, got ", options.label_dtype);
  const int64_t size = std::min(options.batch_size, std::max<int64_t>(data_->size(), 1));
  batches_ = (data_->size() + size - 1) / size;
  options_.batch_size = size;

  std::vector<int64_t> extents{size};
  const Shape sample = data_->sample_shape();
  extents.insert(extents.end(), sample.begin(), sample.end());
  slots_.resize(size_t(options.workers) + 1);
  for (Slot& slot : slots_) {
    slot.whole.inputs = Tensor::empty(Shape(extents), data_->dtype());
    slot.whole.labels = Tensor::empty({size}, options.label_dtype);
    if (const int64_t rest = data_->size() % size) {
      slot.last.inputs = slot.whole.inputs.slice(0, rest);
      slot.last.labels = slot.whole.labels.slice(0, rest);
    }
  }
  for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Loader::begin(uint32_t epoch, int64_t skip_batches) {
  LATHE_CHECK(skip_batches >= 0 && skip_batches <= batches_, "loader: the epoch has ", batches_,
              " batches, ", skip_batches, " cannot be left out");
  cancel();
  sampler_.order(epoch, order_);
  {
    std::lock_guard lock(mutex_);
    epoch_ = epoch;
    for (Slot& slot : slots_) slot.ready = -1;
    claimed_ = released_ = next_ = skip_batches;
    end_ = batches_;
  }
  work_.notify_all();
}

const Batch* Loader::next() {
  if (next_ == end_) return nullptr;
  Slot& slot = slot_of(next_);
  if (workers_.empty()) {
    prepare(next_);
  } else {
    std::unique_lock lock(mutex_);
    released_ = next_;
    work_.notify_one();
    done_.wait(lock, [&] { return slot.ready == next_; });
  }
  if (slot.error) {
    cancel();
    std::rethrow_exception(std::exchange(slot.error, nullptr));
  }
  return &slot.batch(++next_ == batches_);
}

void Loader::cancel() {
  std::unique_lock lock(mutex_);
  end_ = claimed_ = next_;
  done_.wait(lock, [&] { return busy_ == 0; });
}

/// Fills the slot of a batch; an exception is kept there for next().
void Loader::prepare(int64_t batch) noexcept {
  Slot& slot = slot_of(batch);
  Batch& to = slot.batch(batch + 1 == batches_);
  const auto indices = std::span<const int64_t>(order_).subspan(size_t(batch * options_.batch_size),
                                                                size_t(to.inputs.dim(0)));
  slot.error = nullptr;
  try {
    std::byte* sample = to.inputs.raw();
    const int64_t bytes = data_->sample_shape().numel() * size_of(data_->dtype());
    for (int64_t index : indices) {
      data_->fill(index, epoch_, sample);
      sample += bytes;
    }
    const auto write_labels = [&]<class T>() {
      T* label = to.labels.data<T>();
      for (int64_t index : indices) *label++ = T(data_->label(index));
    };
    if (options_.label_dtype == DType::i64)
      write_labels.operator()<int64_t>();
    else
      dispatch_float("loader", options_.label_dtype, write_labels);
  } catch (...) {
    slot.error = std::current_exception();
  }
}

/// A worker: takes the next batch whose slot is free, prepares it, tells the consumer.
void Loader::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] {
      return stop_ || (claimed_ < end_ && claimed_ < released_ + int64_t(slots_.size()));
    });
    if (stop_) return;
    const int64_t batch = claimed_++;
    ++busy_;
    lock.unlock();
    prepare(batch);
    lock.lock();
    slot_of(batch).ready = batch;
    --busy_;
    done_.notify_all();
  }
}

}  // namespace lathe
