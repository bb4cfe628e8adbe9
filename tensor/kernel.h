// The kernel table. A kernel is a name and, for each device, rows: variants of the same
// computation, best first. A row may decline its arguments and says why. Dispatch, tests,
// benchmarks and `lathe kernels` read the same table. A call can also be recorded, with its row
// chosen and its arguments bound, to be run again later (tensor/plan.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "tensor/tensor.h"

namespace lathe {

/// What a row answers to its arguments: fine, or the reason why not ("needs cols % 4 == 0").
class Fit {
 public:
  Fit() = default;
  Fit(const char* reason) : reason_(reason) {}  // NOLINT: a reason is an answer
  explicit operator bool() const { return reason_ == nullptr; }
  const char* reason() const { return reason_; }

 private:
  const char* reason_ = nullptr;
};

/// The order of rows across files; within one file they stand best first.
enum class Rank : uint8_t {
  special,    ///< for few shapes, unbeaten there
  vendor,     ///< oneDNN, OpenBLAS, cuBLAS, cuDNN
  tuned,      ///< ours, made fast: the CUDA ladder, AVX rows
  reference,  ///< plain loops, f32 and f64: the specification
};

class KernelBase;

/// A kernel call with its row chosen and its arguments bound.
class KernelCall {
 public:
  virtual ~KernelCall() = default;
  virtual void run() = 0;
  /// Visits the bound tensors, absent ones included, in the order of the arguments.
  virtual void for_each_tensor(const std::function<void(Tensor&)>& visit) = 0;
  const KernelBase* kernel = nullptr;
  const char* variant = "";
};

/// Receives the calls that this thread makes while it is installed, instead of their being run; it
/// may run them.
class CallRecorder {
 public:
  virtual ~CallRecorder() = default;
  virtual void record(std::unique_ptr<KernelCall> call) = 0;
  static thread_local CallRecorder* current;
};

struct RowInfo {
  const char* name;
  Rank rank;
};

class KernelBase {
 public:
  constexpr KernelBase(const char* name, const char* suffix) : name_(name), suffix_(suffix) {}
  KernelBase(const KernelBase&) = delete;
  KernelBase& operator=(const KernelBase&) = delete;
  std::string name() const { return std::string(name_) + suffix_; }
  virtual std::vector<RowInfo> rows(Device device) const = 0;
  /// All kernels that have a row, by name.
  static std::vector<const KernelBase*> all();

 protected:
  constexpr ~KernelBase() = default;
  void list();
  /// The index of the row forced by LATHE_VARIANT or ForceVariant, or -1. `strict` when the kernel
  /// was named itself.
  int forced(Device device, bool* strict) const;
  [[noreturn]] void no_row(Device device, const std::string& reasons) const;

  const char* name_;
  const char* suffix_;
  const KernelBase* next_ = nullptr;
  bool listed_ = false;
  mutable uint32_t seen_generation_[device_count] = {0, 0};
  mutable int forced_row_[device_count] = {-1, -1};
  mutable bool forced_strict_[device_count] = {false, false};
};

template <class Signature>
class Kernel;

template <class... Args>
class Kernel<void(Args...)> final : public KernelBase {
 public:
  using Function = void (*)(Args...);
  using Fits = Fit (*)(Args...);
  struct Row {
    const char* name = nullptr;
    Function function = nullptr;
    Fits fits = nullptr;
    Rank rank = Rank::reference;
  };
  class Call final : public KernelCall {
   public:
    Call(Function row, Args... arguments) : function(row), args(arguments...) {}
    void run() override { std::apply(function, args); }
    void for_each_tensor(const std::function<void(Tensor&)>& visit) override {
      auto one = [&]<class T>(T& arg) {
        if constexpr (std::is_same_v<T, Tensor>) visit(arg);
      };
      std::apply([&](auto&... all) { (one(all), ...); }, args);
    }
    Function function;
    std::tuple<std::decay_t<Args>...> args;
  };

  constexpr explicit Kernel(const char* name, const char* suffix = "") : KernelBase(name, suffix) {}

  /// Runs the first row of the first tensor's device that takes the arguments. All tensors must be
  /// on one device.
  void operator()(Args... args) const {
    if (CallRecorder::current) [[unlikely]]
      return CallRecorder::current->record(bind(args...));
    choose(args...).function(args...);
  }
  /// The call with its row chosen, not yet run.
  std::unique_ptr<Call> bind(Args... args) const {
    const Row& row = choose(args...);
    auto call = std::make_unique<Call>(row.function, args...);
    call->kernel = this;
    call->variant = row.name;
    return call;
  }

  const Row& choose(Args... args) const;
  /// Why a row declines these arguments; an empty Fit when it takes them.
  Fit fits(const Row& row, Args... args) const { return row.fits ? row.fits(args...) : Fit(); }
  const Row* begin(Device device) const { return table_[int(device)]; }
  const Row* end(Device device) const { return table_[int(device)] + count_[int(device)]; }
  std::vector<RowInfo> rows(Device device) const override;
  bool add(Device device, Rank rank, std::initializer_list<Row> rows);

 private:
  static constexpr int max_rows = 12;
  Row table_[device_count][max_rows] = {};
  int count_[device_count] = {0, 0};
};

/// While alive, kernels use the named rows where they can: "matmul=blocked,softmax_forward=*", as
/// in LATHE_VARIANT.
class ForceVariant {
 public:
  explicit ForceVariant(const std::string& choices);
  ~ForceVariant();
  ForceVariant(const ForceVariant&) = delete;
  ForceVariant& operator=(const ForceVariant&) = delete;

 private:
  std::string outer_;
};

/// Throws Error(usage), with the nearest name, when LATHE_VARIANT names a kernel or a row that is
/// not there. For programs to call once their kernels are registered; until then an unknown kernel
/// may be one of a library that is yet to be loaded.
void check_forced_rows();

namespace detail {
/// The device of the first tensor; checks that the others are on it too.
template <class... Args>
Device device_of(const char* kernel, const Args&... args) {
  const Tensor* first = nullptr;
  auto look = [&]<class T>(const T& arg) {
    if constexpr (std::is_same_v<T, Tensor>) {
      if (!arg) return;
      if (!first) first = &arg;
      LATHE_CHECK(arg.device() == first->device(), kernel, ": expects all tensors on ",
                  first->device(), ", got one on ", arg.device());
    }
  };
  (look(args), ...);
  return first ? first->device() : Device::cpu;
}
}  // namespace detail

template <class... Args>
auto Kernel<void(Args...)>::choose(Args... args) const -> const Row& {
  const Device device = detail::device_of(name_, args...);
  bool strict = false;
  if (const int row = forced(device, &strict); row >= 0) {
    const Row& wanted = table_[int(device)][row];
    const Fit fit = fits(wanted, args...);
    if (fit) return wanted;
    if (strict)
      fail(ErrorKind::usage, name(), ": the row '", wanted.name, "' was asked for, but ",
           fit.reason());
  }
  for (const Row* row = begin(device); row != end(device); ++row)
    if (!row->fits || row->fits(args...)) return *row;
  std::string reasons;
  for (const Row* row = begin(device); row != end(device); ++row)
    reasons += concat("; ", row->name, ": ", row->fits(args...).reason());
  no_row(device, reasons);
}

template <class... Args>
std::vector<RowInfo> Kernel<void(Args...)>::rows(Device device) const {
  std::vector<RowInfo> infos;
  for (const Row* row = begin(device); row != end(device); ++row)
    infos.push_back({row->name, row->rank});
  return infos;
}

template <class... Args>
bool Kernel<void(Args...)>::add(Device device, Rank rank, std::initializer_list<Row> rows) {
  list();
  Row* table = table_[int(device)];
  int& count = count_[int(device)];
  LATHE_CHECK(count + int(rows.size()) <= max_rows, name(), ": more than ", max_rows, " rows");
  for (const Row& row : rows) {
    int at = count++;
    for (; at > 0 && table[at - 1].rank > rank; --at) table[at] = table[at - 1];
    table[at] = row;
    table[at].rank = rank;
  }
  return true;
}

}  // namespace lathe

/// Declares a kernel in a header, in namespace lathe::kernels. Constant-initialised: rows register
/// in any order.
#define DECLARE_KERNEL(kernel, ...) \
  inline constinit ::lathe::Kernel<void(__VA_ARGS__)> kernel(#kernel)

/// Adds rows, best first, to a kernel: REGISTER_KERNELS(softmax_forward, cuda, tuned, {"online",
/// online, fits_online}, …).
#define REGISTER_KERNELS(kernel, device, rank, ...)                            \
  [[maybe_unused]] static const bool registered_##kernel##_##device##_##rank = \
      (kernel).add(::lathe::Device::device, ::lathe::Rank::rank, {__VA_ARGS__})
