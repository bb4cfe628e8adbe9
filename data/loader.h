// Batches of a dataset, prepared ahead by background threads. The batches and their order depend on
// seed and epoch alone, never on the number of workers. Memory is bounded: one batch more than
// there are workers, made once and used again; nothing is allocated after the first epoch.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "data/dataset.h"
#include "data/sampler.h"

namespace lathe {

struct LoaderOptions {
  int64_t batch_size = 32;
  bool shuffle = false;
  bool balance = false;  ///< all classes equally often, shuffled: see Sampler
  uint64_t seed = 0;
  int workers = 1;                 ///< 0: the caller's thread prepares each batch when it asks
  DType label_dtype = DType::i64;  ///< a floating type for losses that take numbers
};

struct Batch {
  Tensor inputs;  ///< (B, sample shape); the last batch of an epoch may be smaller
  Tensor labels;  ///< (B)
};

class Loader {
 public:
  Loader(std::shared_ptr<const Dataset> data, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  int64_t batches() const { return batches_; }
  const Dataset& data() const { return *data_; }

  /// Starts an epoch, leaving out its first batches (a resume in the middle of it). An epoch that
  /// was not finished is given up.
  void begin(uint32_t epoch, int64_t skip_batches = 0);
  /// The next batch, good until the following call; null at the end of the epoch. An error while
  /// preparing it is thrown here, and ends the epoch.
  const Batch* next();
  /// Ends the epoch: when this returns, no thread touches the dataset.
  void cancel();

 private:
  /// A batch's memory: for a whole batch, and a view of it for the epoch's last one.
  struct Slot {
    Batch whole, last;
    std::exception_ptr error;
    int64_t ready = -1;  // the batch that lies here
    Batch& batch(bool is_last) { return is_last && last.inputs ? last : whole; }
  };

  Slot& slot_of(int64_t batch) { return slots_[size_t(batch) % slots_.size()]; }
  void prepare(int64_t batch) noexcept;
  void work();

  std::shared_ptr<const Dataset> data_;
  LoaderOptions options_;
  Sampler sampler_;
  int64_t batches_;
  std::vector<int64_t> order_;
  std::vector<Slot> slots_;
  uint32_t epoch_ = 0;

  std::mutex mutex_;
  std::condition_variable work_, done_;
  int64_t claimed_ = 0;   // batches below are prepared or being prepared
  int64_t released_ = 0;  // batches below were used; their slots are free
  int64_t next_ = 0, end_ = 0;
  int busy_ = 0;  // workers that prepare a batch now
  bool stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace lathe
