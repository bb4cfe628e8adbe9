// How batch norm's kernels cut their matrix, forward and backward: rows into parts, a block for
// each part and some of the channels; in a block some threads lie along the channels, the others
// along the rows.
#pragma once

#include "kernels/batch_norm_channel.h"
#include "kernels/reduce.h"
#include "kernels/row_team.cuh"

namespace lathe::kernels::norm {

constexpr int block_size = 256;
constexpr int64_t many_blocks = 1024;  // keep the largest devices busy

struct Parts {
  int64_t rows, columns, part_rows;
};

/// The first channel of this thread, and the rows that it takes: first, first + blockDim.y, ...
template <int width>
struct Place {
  int64_t c, first, end;
  __device__ explicit Place(const Parts& p)
      : c((int64_t(blockIdx.x) * blockDim.x + threadIdx.x) * width),
        first(blockIdx.y * p.part_rows + threadIdx.y),
        end(min(p.rows, (blockIdx.y + 1) * p.part_rows)) {}
};

/// What normalises each channel.
template <class T>
struct Channels {
  const double *mean, *rstd;
  const T *weight, *bias;
  __device__ Normalize<acc_t<T>> at(int64_t c) const {
    return {mean[c], rstd[c], double(acc_t<T>(weight[c])), double(acc_t<T>(bias[c]))};
  }
};

/// Blocks of a matrix: threads along the channels and along the rows, and the parts.
struct Blocks {
  dim3 grid, block;
  Parts parts;
  int64_t count;
  Blocks(const Rows& s, int width, bool one_part) {
    unsigned lanes = 8;
    const int64_t vectors = ceil_div(s.columns, width);
    while (lanes < 32 && lanes < vectors) lanes *= 2;
    block = one_part ? dim3(128, 1) : dim3(lanes, unsigned(block_size) / lanes);
    const int64_t across = ceil_div(vectors, block.x), wanted = ceil_div(many_blocks, across);
    const int64_t part = std::max<int64_t>(64, ceil_div(s.rows, wanted));
    parts = {s.rows, s.columns, one_part ? std::max<int64_t>(1, s.rows) : part};
    count = std::max<int64_t>(1, ceil_div(s.rows, parts.part_rows));
    grid = dim3(unsigned(across), unsigned(count));
  }
};

constexpr int channel_threads = 128;

template <class T>
constexpr int widest = int(16 / sizeof(T));

template <class T>
Channels<T> channels_of(const Tensor& mean, const Tensor& rstd, const Tensor& weight,
                        const Tensor& bias) {
  return {mean.data<double>(), rstd.data<double>(), weight.data<T>(), bias.data<T>()};
}

inline Tensor scratch(int64_t count, const Tensor& like) {
  return Tensor::empty({count}, DType::f64, like.device());
}

}  // namespace lathe::kernels::norm
