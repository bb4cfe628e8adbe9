#include "tensor/stream.h"

namespace lathe {
namespace {
thread_local void* ambient = nullptr;
}

void* current_stream() { return ambient; }
StreamScope::StreamScope(void* stream) : outer_(ambient) { ambient = stream; }
StreamScope::~StreamScope() { ambient = outer_; }

}  // namespace lathe
