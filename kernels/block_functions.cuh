// Device functions that most kernels need: positions, vectors of up to 16 bytes, reductions over a
// warp and over a block. Included through device.cuh.
#pragma once

namespace lathe::kernels {

template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(__CUDACC__)
  extern __shared__ __align__(128) unsigned char lathe_dynamic_shared[];
  return reinterpret_cast<T*>(lathe_dynamic_shared);
#else
  return static_cast<T*>(emulator::dynamic_shared_memory(emulator::Place::here()));
#endif
}

/// The number of this thread in its block, whatever the block's shape.
__device__ __forceinline__ int thread_number() {
  return static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}
__device__ __forceinline__ int block_threads() {
  return static_cast<int>(blockDim.x * blockDim.y * blockDim.z);
}

// ---- vectors ------------------------------------------------------------------------------------

/// N elements that are loaded and stored together; at most 16 bytes.
template <class T, int N>
struct alignas(sizeof(T) * N) Vector {
  static_assert(sizeof(T) * N <= 16, "a thread loads at most 16 bytes at a time");
  T values[N];
  HOST_DEVICE T& operator[](int i) { return values[i]; }
  HOST_DEVICE const T& operator[](int i) const { return values[i]; }
};

/// N consecutive elements in one access. p must be a multiple of sizeof(T) * N; the emulator
/// checks.
template <int N, class T>
__device__ __forceinline__ Vector<T, N> load_vector(
#if defined(__CUDACC__)
    const T* p) {
  return *reinterpret_cast<const Vector<T, N>*>(p);
}
#else
    const T* p, emulator::Place place = emulator::Place::here()) {
  Vector<T, N> v;
  emulator::load_bytes<sizeof v>(&v, p, place);
  return v;
}
#endif

template <int N, class T>
__device__ __forceinline__ void store_vector(
#if defined(__CUDACC__)
    T* p, const Vector<T, N>& v) {
  *reinterpret_cast<Vector<T, N>*>(p) = v;
}
#else
    T* p, const Vector<T, N>& v, emulator::Place place = emulator::Place::here()) {
  emulator::store_bytes<sizeof v>(p, &v, place);
}
#endif

// ---- reductions ---------------------------------------------------------------------------------

struct Sum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};
struct Min {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b ? a : b;
  }
};

/// Combines the values of a full warp; every lane gets the result, always in the same order.
template <class T, class Op>
__device__ __forceinline__ T warp_reduce(T value, Op op) {
  UNROLL
  for (int distance = 16; distance > 0; distance /= 2) {
    value = op(value, __shfl_xor_sync(~0u, value, distance));
  }
  return value;
}

/// Combines the values of a block (a multiple of 32 threads, all of which call this); every thread
/// gets the result. Begins with a barrier, so calls may follow one another.
template <class T, class Op>
__device__ T block_reduce(T value, Op op, T identity) {
  SHARED(T, partial, [32]);
  const int warps = block_threads() / 32, warp = thread_number() / 32, lane = thread_number() % 32;
  value = warp_reduce(value, op);
  __syncthreads();  // for some: the last call's readers of `partial` are done
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  return warp_reduce(lane < warps ? partial[lane] : identity, op);
}

}  // namespace lathe::kernels
