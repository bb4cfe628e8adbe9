// The ambient CUDA stream of a thread: device code is put on it without being told. An opaque
// handle, so that this header serves builds without CUDA.
#pragma once

namespace lathe {

/// The cudaStream_t on which this thread's device work goes.
void* current_stream();

/// While alive, this thread's device work goes to the given stream.
class StreamScope {
 public:
  explicit StreamScope(void* stream);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

 private:
  void* outer_;
};

}  // namespace lathe
