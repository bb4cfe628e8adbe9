// Planted defects: kernels and host code with one mistake each, by which the emulator is judged;
// and some of them mended (`sound_...`), which must pass: else a defect's wrong result says
// nothing. Each runs in a process of its own (defects_main.cpp) in each configuration that
// CMakeLists.txt says must catch it. A defect is caught by a wrong result, an error of the
// emulator, or a sanitizer's report.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace lathe::tests {

using Defect = void (*)();
std::map<std::string, Defect>& defects();

/// A defect of this name; `run` throws where it notices something.
struct RegisterDefect {
  RegisterDefect(const char* name, Defect run) { defects()[name] = run; }
};

inline void require(cudaError_t status) {
  if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}
template <class T>
void require_element(int i, T got, T expected) {
  if (got == expected) return;
  throw std::runtime_error("wrong result: element " + std::to_string(i) + " is " +
                           std::to_string(got) + ", not " + std::to_string(expected));
}

/// Zeros in device memory (or what was there, when not cleared).
template <class T>
struct Memory {
  T* data = nullptr;
  int count;
  explicit Memory(int elements, bool cleared = true) : count(elements) {
    require(cudaMalloc(&data, elements * sizeof(T)));
    if (cleared) require(cudaMemset(data, 0, elements * sizeof(T)));
  }
  ~Memory() { cudaFree(data); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// Throws unless element i is expected(i), for all i.
  template <class F>
  void expect(const F& expected) const {
    std::vector<T> values(count);
    require(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost));
    for (int i = 0; i < count; i++) require_element(i, values[i], T(expected(i)));
  }
};

}  // namespace lathe::tests
