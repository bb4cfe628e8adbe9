// The instructions of tensor cores and asynchronous copies, which CUDA C++ has no names for: the
// only file with inline PTX. Beside each wrapper stands its emulated twin, written from the tables
// of the PTX manual ("Matrix multiply-accumulate", "ldmatrix", "cp.async"); no kernel writes asm
// itself.
//
// One warp computes C (16x8, f32) += A (16x16) * B (16x8) with 16-bit inputs. Lane l holds, with
// g = l / 4 and t = l % 4 and two 16-bit elements in each 32-bit register of a and b:
//
//   a[j]: row  g + 8 (j % 2),      columns 2t + 8 (j / 2) and the next
//   b[j]: rows 2t + 8j and next,   column  g
//   c[j]: row  g + 8 (j / 2),      column  2t + j % 2
//
// ldmatrix brings 8x8 tiles of 16-bit elements from shared memory into exactly these layouts: lanes
// 8i to 8i+7 give the addresses of the rows of tile i, each 16 bytes on a 16-byte boundary.
#pragma once

#include "kernels/device.cuh"

#if !defined(__CUDACC__)
#include "kernels/emulator/tensor_core.h"
#endif

namespace lathe::kernels {

#if defined(__CUDACC__)

__device__ __forceinline__ uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

/// c += a * b for a warp; T is bf16 or f16.
template <class T>
__device__ __forceinline__ void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4],
                                             const uint32_t (&b)[2]) {
  if constexpr (std::is_same_v<T, bf16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  } else {
    static_assert(std::is_same_v<T, f16>, "mma_m16n8k16 multiplies bf16 or f16");
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
}

/// Four tiles into r[0..3].
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
/// Four tiles, each transposed.
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}
/// Two tiles; the addresses of lanes 16 to 31 are not used.
__device__ __forceinline__ void ldmatrix_x2(uint32_t (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix_x2_trans(uint32_t (&r)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
               : "=r"(r[0]), "=r"(r[1])
               : "r"(shared_address(row))
               : "memory");
}

/// Copies `bytes` (4, 8 or 16) from global to shared memory without waiting. Only the first `valid`
/// bytes are read; the rest becomes zero, which serves the edges of a matrix.
template <int bytes>
__device__ __forceinline__ void cp_async(void* shared, const void* global, int valid = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  if constexpr (bytes == 16) {  // past the L1 cache
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)),
                 "l"(global), "r"(valid)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)),
                 "l"(global), "n"(bytes), "r"(valid)
                 : "memory");
  }
}
/// Closes a group of the copies that this thread issued since the last one.
__device__ __forceinline__ void cp_async_commit() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most `pending` of this thread's groups are under way. Other threads see the bytes
/// after a __syncthreads.
template <int pending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

#else

template <class T>
void mma_m16n8k16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                  emulator::Place place = emulator::Place::here()) {
  emulator::MatrixProduct payload{c, a, b};
  emulator::warp_collective(~0u, &payload, emulator::matrix_collective<T>, place);
}

inline void ldmatrix_x4(uint32_t (&r)[4], const void* row,
                        emulator::Place place = emulator::Place::here()) {
  emulator::load_matrix<4, false>(r, row, place);
}
inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void* row,
                              emulator::Place place = emulator::Place::here()) {
  emulator::load_matrix<4, true>(r, row, place);
}
inline void ldmatrix_x2(uint32_t (&r)[2], const void* row,
                        emulator::Place place = emulator::Place::here()) {
  emulator::load_matrix<2, false>(r, row, place);
}
inline void ldmatrix_x2_trans(uint32_t (&r)[2], const void* row,
                              emulator::Place place = emulator::Place::here()) {
  emulator::load_matrix<2, true>(r, row, place);
}

template <int bytes>
void cp_async(void* shared, const void* global, int valid = bytes,
              emulator::Place place = emulator::Place::here()) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
  emulator::async_copy(shared, global, bytes, size_t(valid), place);
}
inline void cp_async_commit() { emulator::async_commit(); }
template <int pending>
void cp_async_wait(emulator::Place place = emulator::Place::here()) {
  emulator::async_wait(pending, place);
}

#endif

}  // namespace lathe::kernels
