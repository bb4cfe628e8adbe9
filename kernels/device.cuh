// What a kernel file includes. nvcc compiles it for a GPU; g++ compiles the same file against the
// emulator (kernels/emulator/), which runs it on any CPU. Beside CUDA's own names (threadIdx,
// __syncthreads, __shfl_xor_sync, atomicAdd, ...) a kernel uses:
//
//   launch(kernel, grid, block, shared_bytes, args...)   on the ambient stream; throws on errors
//   SHARED(float, tile, [32][33]);                       a block's shared array (or scalar)
//   SHARED_ALIGNED(16, float, tile, [32][32]);           the same, for 16-byte accesses
//   dynamic_shared<float>()                              the launch's shared_bytes
//   UNROLL                                               before a loop
//   load_vector<4>(p), store_vector(p, v)                one access of up to 16 bytes
//   warp_reduce(v, Sum{}), block_reduce(v, Sum{}, 0.0f)  in every thread, the same result
//
// Rules: every thread reaches every __syncthreads (guard the work, not the barrier); blocks are
// multiples of 32 threads; a shuffle does not order memory (__syncwarp does); no <<<>>>, no
// __shared__, no inline PTX outside ptx.cuh.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/launch.h"
#include "tensor/dtype.h"

#if defined(__CUDACC__)

// Raw bytes, since a __shared__ object may have no initialiser and bf16 has one.
#define SHARED_ALIGNED(alignment, T, name, ...)      \
  using name##_shared = T __VA_ARGS__;               \
  __shared__ __align__(alignment)                    \
  unsigned char name##_bytes[sizeof(name##_shared)]; \
  name##_shared& name = reinterpret_cast<name##_shared&>(name##_bytes)
#define UNROLL _Pragma("unroll")

#else

#include "kernels/emulator/atomics.h"
#include "kernels/emulator/device_math.h"
#include "kernels/emulator/intrinsics.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __shared__ static_assert(false, "write SHARED(T, name, [N]) instead of __shared__");

// One object per block and declaration; the static's address tells declarations (and instances of a
// template) apart.
#define SHARED_ALIGNED(alignment, T, name, ...)                                        \
  using name##_shared = T __VA_ARGS__;                                                 \
  static char name##_key;                                                              \
  name##_shared& name = *static_cast<name##_shared*>(::lathe::emulator::shared_object( \
      &name##_key, #name, sizeof(name##_shared), alignment, {__FILE__, __LINE__}))
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

// The C library declares functions of these names and does not define them.
#define __expf(x) std::exp(float(x))
#define __logf(x) std::log(float(x))
#define __log2f(x) std::log2(float(x))
#define __powf(x, y) std::pow(float(x), float(y))
#define __sinf(x) std::sin(float(x))
#define __cosf(x) std::cos(float(x))

#endif

#define SHARED(T, name, ...) SHARED_ALIGNED(alignof(T), T, name, __VA_ARGS__)

#include "kernels/block_functions.cuh"
