// Loops over elements on the device: y[i] = op(x[i], ...), with any number of inputs, each seen
// through a view. Three rungs:
//   element      one element a thread: simple, and each thread pays for its index and its launch
//   grid_stride  as many blocks as the device keeps busy, each thread takes many elements
//   vector       the same in accesses of 16 bytes: fewer instructions and more bytes in flight
// All lanes of a warp read neighbouring elements, so every rung is coalesced.
#pragma once

#include <algorithm>

#include "kernels/device.cuh"
#include "tensor/kernel.h"

namespace lathe::kernels {

/// Element i of an array.
template <class T>
struct Each {
  using Element = T;
  const T* elements;
  __device__ T at(size_t i) const { return elements[i]; }
  template <int N>
  __device__ Vector<T, N> vector_at(size_t i) const {
    return load_vector<N>(elements + i);
  }
};

/// A small array repeated for ever: the operand that is broadcast over rows.
template <class T>
struct Repeated {
  using Element = T;
  const T* elements;
  size_t period;
  __device__ T at(size_t i) const { return elements[i % period]; }
  template <int N>
  __device__ Vector<T, N> vector_at(size_t i) const {
    size_t j = i % period;
    if (period % N == 0 && reinterpret_cast<size_t>(elements) % sizeof(Vector<T, N>) == 0)
      return load_vector<N>(elements + j);  // else lanes would read words N apart
    Vector<T, N> v;
    UNROLL
    for (int k = 0; k < N; ++k) {
      v[k] = elements[j];
      j = j + 1 == period ? 0 : j + 1;
    }
    return v;
  }
};

/// The first of the elements that this thread works on.
__device__ __forceinline__ size_t first_element() {
  return size_t(blockIdx.x) * blockDim.x + threadIdx.x;
}

template <class Op, class T, class... Views>
__global__ void map_element(size_t count, Op op, T* y, Views... x) {
  const size_t i = first_element();
  if (i < count) y[i] = op(x.at(i)...);
}

template <class Op, class T, class... Views>
__global__ void map_grid_stride(size_t count, Op op, T* y, Views... x) {
  const size_t stride = size_t(gridDim.x) * blockDim.x;
  for (size_t i = first_element(); i < count; i += stride) y[i] = op(x.at(i)...);
}

template <class Op, class T, int N, class... Vectors>
__device__ __forceinline__ void map_one_vector(Op op, T* y, const Vectors&... x) {
  Vector<T, N> out;
  UNROLL
  for (int k = 0; k < N; ++k) out[k] = op(x[k]...);
  store_vector<N>(y, out);
}

template <int N, class Op, class T, class... Views>
__global__ void map_vector(size_t count, Op op, T* y, Views... x) {
  const size_t stride = size_t(gridDim.x) * blockDim.x * N;
  size_t i = first_element() * N;
  for (; i + N <= count; i += stride)
    map_one_vector<Op, T, N>(op, y + i, x.template vector_at<N>(i)...);
  for (; i < count; ++i) y[i] = op(x.at(i)...);  // one thread meets the incomplete vector
}

enum class Rung { element, grid_stride, vector };

/// Elements in an access of 16 bytes of the largest of some types.
template <class... Ts>
inline constexpr int vector_elements = int(16 / std::max({sizeof(Ts)...}));

/// y[i] = op(x[i]...) for all elements of y, by a rung.
template <Rung rung, class Op, class T, class... Views>
void map(int64_t count, Op op, T* y, Views... x) {
  constexpr int threads = 256;
  constexpr int64_t blocks = 4096;  // enough for the largest devices
  if (count == 0) return;
  if constexpr (rung == Rung::element) {
    launch(map_element<Op, T, Views...>, ceil_div(count, threads), threads, 0, size_t(count), op, y,
           x...);
  } else if constexpr (rung == Rung::grid_stride) {
    launch(map_grid_stride<Op, T, Views...>, std::min(blocks, ceil_div(count, threads)), threads, 0,
           size_t(count), op, y, x...);
  } else {
    constexpr int n = vector_elements<T, typename Views::Element...>;
    launch(map_vector<n, Op, T, Views...>, std::min(blocks, ceil_div(count, threads * n)), threads,
           0, size_t(count), op, y, x...);
  }
}

/// Whether the vector rung may run: its arrays begin at multiples of 16 bytes.
template <class... Tensors>
Fit fits_vector(const Tensors&... tensors) {
  const bool aligned = ((reinterpret_cast<uintptr_t>(tensors.raw()) % 16 == 0) && ...);
  return aligned ? Fit() : "needs arrays that begin at multiples of 16 bytes";
}

}  // namespace lathe::kernels
