#include "tensor/kernel.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "tensor/suggest.h"

namespace lathe {
namespace {

constinit const KernelBase* head = nullptr;

/// The current choices and a counter that changes with them, so that a kernel parses them once.
struct Choices {
  std::string text = std::getenv("LATHE_VARIANT") ? std::getenv("LATHE_VARIANT") : "";
  uint32_t generation = 1;
};
Choices& choices() {
  static Choices all;
  return all;
}

/// Calls f(kernel, row) for each "kernel=row" of a list.
template <class F>
void for_each_choice(std::string_view text, const F& f) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    LATHE_CHECK(equals != std::string_view::npos, "LATHE_VARIANT: expects kernel=row, got '", item,
                "'");
    f(item.substr(0, equals), item.substr(equals + 1));
  }
}

/// The row that "kernel=row,*=row" asks for; an exact name wins over the star.
std::string_view wanted_row(std::string_view text, std::string_view kernel, bool* strict) {
  std::string_view wanted;
  *strict = false;
  for_each_choice(text, [&](std::string_view left, std::string_view row) {
    if (left != kernel && (left != "*" || *strict)) return;
    wanted = row;
    *strict = left == kernel;
  });
  return wanted;
}

std::vector<std::string> row_names(const KernelBase& kernel, Device device) {
  std::vector<std::string> names;
  for (const RowInfo& row : kernel.rows(device)) names.push_back(row.name);
  return names;
}

}  // namespace

thread_local CallRecorder* CallRecorder::current = nullptr;

void KernelBase::list() {
  if (listed_) return;
  listed_ = true;
  next_ = head;
  head = this;
}

std::vector<const KernelBase*> KernelBase::all() {
  std::vector<const KernelBase*> kernels;
  for (const KernelBase* k = head; k; k = k->next_) kernels.push_back(k);
  std::sort(kernels.begin(), kernels.end(), [](auto* a, auto* b) { return a->name() < b->name(); });
  return kernels;
}

int KernelBase::forced(Device device, bool* strict) const {
  const Choices& current = choices();
  const int d = int(device);
  if (seen_generation_[d] != current.generation) {
    bool exact = false;
    const std::string_view wanted = wanted_row(current.text, name(), &exact);
    const auto infos = rows(device);
    const auto found = std::find_if(infos.begin(), infos.end(),
                                    [&](const RowInfo& row) { return row.name == wanted; });
    LATHE_CHECK(found != infos.end() || !exact || infos.empty(), name(), ": has no row '", wanted,
                "' on ", device, suggestion(std::string(wanted), row_names(*this, device)));
    forced_row_[d] = found == infos.end() ? -1 : int(found - infos.begin());
    forced_strict_[d] = exact;
    seen_generation_[d] = current.generation;
  }
  *strict = forced_strict_[d];
  return forced_row_[d];
}

void check_forced_rows() {
  for_each_choice(choices().text, [](std::string_view left, std::string_view row) {
    std::vector<std::string> kernels, rows;
    for (const KernelBase* kernel : KernelBase::all()) {
      kernels.push_back(kernel->name());
      for (Device device : {Device::cpu, Device::cuda})
        for (std::string& name : row_names(*kernel, device))
          if (left == "*" || left == kernel->name()) rows.push_back(std::move(name));
    }
    LATHE_CHECK(!rows.empty(), "LATHE_VARIANT: there is no kernel '", left, "'",
                suggestion(std::string(left), kernels));
    LATHE_CHECK(std::find(rows.begin(), rows.end(), row) != rows.end(),
                "LATHE_VARIANT: ", left == "*" ? "no kernel has a" : std::string(left) + " has no",
                " row '", row, "'", suggestion(std::string(row), rows));
  });
}

void KernelBase::no_row(Device device, const std::string& reasons) const {
  fail(ErrorKind::usage, name(), ": no row on ", device, " takes these arguments", reasons);
}

ForceVariant::ForceVariant(const std::string& text) : outer_(choices().text) {
  choices().text = text;
  ++choices().generation;
}

ForceVariant::~ForceVariant() {
  choices().text = outer_;
  ++choices().generation;
}

}  // namespace lathe
