#include "tensor/kernel.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

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

/// The row that "kernel=row,*=row" asks for; an exact name wins over the star.
std::string_view wanted_row(std::string_view text, std::string_view kernel, bool* strict) {
  std::string_view wanted;
  *strict = false;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    LATHE_CHECK(equals != std::string_view::npos, "LATHE_VARIANT: expects kernel=row, got '", item,
                "'");
    const std::string_view left = item.substr(0, equals);
    if (left == kernel || (left == "*" && !*strict)) {
      wanted = item.substr(equals + 1);
      *strict = left == kernel;
    }
  }
  return wanted;
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
                "' on ", device);
    forced_row_[d] = found == infos.end() ? -1 : int(found - infos.begin());
    forced_strict_[d] = exact;
    seen_generation_[d] = current.generation;
  }
  *strict = forced_strict_[d];
  return forced_row_[d];
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
