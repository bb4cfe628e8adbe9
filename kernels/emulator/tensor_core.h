// The twins of mma.sync and ldmatrix: what a warp computes from all lanes' registers, by the
// layouts described in kernels/ptx.cuh.
#pragma once

#include <bit>
#include <cstring>

#include "kernels/emulator/device_api.h"
#include "tensor/dtype.h"

namespace lathe::emulator {

struct MatrixProduct {
  float* c;
  const uint32_t *a, *b;

  // Element `half` (0: the lower 16 bits) of a register.
  template <class T>
  static float element(uint32_t bits, int half) {
    T value;
    value.bits = uint16_t(bits >> 16 * half);
    return float(value);
  }

  // Written from the other lanes' registers, which lie on their stacks.
  template <class T>
  __attribute__((no_sanitize("thread"))) static void compute(void* const payloads[32], uint32_t,
                                                             Place) {
    float a[16][16], b[16][8];
    for (int lane = 0; lane < 32; lane++) {
      const auto* mine = static_cast<const MatrixProduct*>(payloads[lane]);
      const int g = lane / 4, t = lane % 4;
      for (int half = 0; half < 2; half++) {
        for (int j = 0; j < 4; j++) {
          a[g + 8 * (j % 2)][2 * t + half + 8 * (j / 2)] = element<T>(mine->a[j], half);
        }
        for (int j = 0; j < 2; j++) b[2 * t + half + 8 * j][g] = element<T>(mine->b[j], half);
      }
    }
    for (int lane = 0; lane < 32; lane++) {
      const auto* mine = static_cast<const MatrixProduct*>(payloads[lane]);
      for (int j = 0; j < 4; j++) {
        const int row = lane / 4 + 8 * (j / 2), column = 2 * (lane % 4) + j % 2;
        float sum = 0;
        for (int k = 0; k < 16; k++) sum += a[row][k] * b[k][column];
        mine->c[j] += sum;
      }
    }
  }
};

template <class T>
inline constexpr Collective matrix_collective = {"mma.sync", &MatrixProduct::compute<T>,
                                                 Instruction::matrix};

struct MatrixLoad {
  const void* row;
  uint32_t* registers;

  template <int tiles, bool transposed>
  __attribute__((no_sanitize("thread"))) static void compute(void* const payloads[32], uint32_t,
                                                             Place) {
    for (int tile = 0; tile < tiles; tile++) {
      uint16_t rows[8][8];
      for (int i = 0; i < 8; i++) {
        std::memcpy(rows[i], static_cast<const MatrixLoad*>(payloads[8 * tile + i])->row, 16);
      }
      for (int lane = 0; lane < 32; lane++) {
        const int g = lane / 4, t = lane % 4;
        const uint32_t low = transposed ? rows[2 * t][g] : rows[g][2 * t];
        const uint32_t high = transposed ? rows[2 * t + 1][g] : rows[g][2 * t + 1];
        static_cast<const MatrixLoad*>(payloads[lane])->registers[tile] = low | high << 16;
      }
    }
  }
};

template <int tiles, bool transposed>
inline constexpr Collective matrix_load_collective = {
    "ldmatrix", &MatrixLoad::compute<tiles, transposed>, Instruction::matrix_load};

template <int tiles, bool transposed>
void load_matrix(uint32_t* registers, const void* row, Place place) {
  if (int(lane_number()) < 8 * tiles) {  // the others' addresses are not used
    if (!is_shared(row)) fail(place, "ldmatrix: the row is not in shared memory");
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) {
      fail(place, "ldmatrix: the row is not on a 16-byte boundary");
    }
    touch(row, 16, false, false, place);
  }
  MatrixLoad payload{row, registers};
  warp_collective(~0u, &payload, matrix_load_collective<tiles, transposed>, place);
}

}  // namespace lathe::emulator
