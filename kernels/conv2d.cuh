// A convolution as a matrix product whose operands are never stored: what the rungs on the GPU
// share. Each of the three kernels is a product a b of "matrices" that say where their elements
// lie:
//   forward          y  (N P Q, O)   = patches of x (N P Q, R S C)  times  filters (O, R S C)'
//   backward_input   dx (N H W, C)   = patches of dy (N H W, R S O) times  filters (R S O, C)
//   backward_weight  dw (O, R S C)   = dy (N P Q, O)'               times  patches of x
// (' transposed). With strides u, v, backward_input is u v such products: a pixel of dx meets only
// the taps that agree with it modulo the stride, so pixels of one phase are a convolution with
// stride 1 and fewer taps, and no multiplication by an inserted zero is made.
// Sources: Chetlur et al., "cuDNN: Efficient Primitives for Deep Learning", 2014, for products that
// are not stored; Dumoulin and Visin, arXiv:1603.07285, for the gradient as a convolution.
#pragma once

#include "kernels/conv2d.h"
#include "kernels/device.cuh"

namespace lathe::kernels {

/// n / d for 0 <= n < 2^31 by a product and a shift (Granlund and Montgomery, "Division by
/// Invariant Integers using Multiplication", 1994): a GPU has no instruction for division.
struct Divisor {
  int divisor = 1, shift = 31;
  uint32_t factor = 1u << 31;

  Divisor() = default;
  explicit Divisor(int64_t d) : divisor(int(d)) {
    int bits = 0;
    while ((int64_t(1) << bits) < d) ++bits;
    shift = 31 + bits;
    factor = uint32_t(((uint64_t(1) << shift) + uint64_t(d) - 1) / uint64_t(d));
  }
  __device__ int divide(int n) const { return int(uint64_t(uint32_t(n)) * factor >> shift); }
};

/// Along one dimension, the source coordinate that position i and tap t meet:
/// i stride + offset + t step; zeros stand outside of [0, extent).
struct Axis {
  int stride, offset, step, extent;
};

/// A row for each position (n, i, j), a column for each tap and channel (r, s, c); neighbouring
/// columns of a tap are neighbours in memory.
template <class T>
struct Patches {
  using Element = T;
  const T* elements;
  int pixel, group_step;  // elements of a pixel; from a group to the next
  Axis vertical, horizontal;
  Divisor image_positions, across;  // positions of an image, and of a row of it
  Divisor tap_row, channels;        // columns of a row of taps, and of a tap

  struct Row {
    int image, h, w;  // the first source row of the image; what tap (0, 0) meets
  };
  struct Column {
    int h, w, c;
  };
  __device__ Row row(int m) const {
    const int n = image_positions.divide(m), rest = m - n * image_positions.divisor;
    const int i = across.divide(rest), j = rest - i * across.divisor;
    return {n * vertical.extent, i * vertical.stride + vertical.offset,
            j * horizontal.stride + horizontal.offset};
  }
  __device__ Column column(int k) const {
    const int r = tap_row.divide(k), rest = k - r * tap_row.divisor;
    const int s = channels.divide(rest);
    return {r * vertical.step, s * horizontal.step, rest - s * channels.divisor};
  }
  /// Null where a zero stands.
  __device__ const T* at(const Row& row, const Column& column) const {
    const int h = row.h + column.h, w = row.w + column.w;
    const bool inside =
        unsigned(h) < unsigned(vertical.extent) && unsigned(w) < unsigned(horizontal.extent);
    return inside ? elements + ((row.image + h) * horizontal.extent + w) * pixel + column.c
                  : nullptr;
  }
};

/// A matrix in memory: filters (O, R S C), and dy (N P Q, O), a group's columns of it.
template <class T>
struct StoredMatrix {
  using Element = T;
  using Row = int;
  using Column = int;
  const T* elements;
  int pitch, group_step;
  __device__ int row(int m) const { return m * pitch; }
  __device__ int column(int k) const { return k; }
  __device__ const T* at(int row, int column) const { return elements + row + column; }
};

/// Filters with a row for each tap and filter (r, s, o) of a phase and a column for each channel.
template <class T>
struct TurnedFilters {
  using Element = T;
  using Row = int;
  using Column = int;
  const T* elements;  // of the phase's first tap
  int group_step;
  int filter, step_h, step_w;  // elements of a filter; from a tap of the phase to the next
  Divisor tap_row, filters;
  __device__ int row(int k) const {
    const int r = tap_row.divide(k), rest = k - r * tap_row.divisor;
    const int s = filters.divide(rest);
    return r * step_h + s * step_w + (rest - s * filters.divisor) * filter;
  }
  __device__ int column(int c) const { return c; }
  __device__ const T* at(int row, int column) const { return elements + row + column; }
};

/// An operand as tiles are loaded from it: x counts rows of a or columns of b, k the terms of the
/// sum. along_x: neighbours along x are neighbours in memory, else neighbours along k.
template <class M, bool along_x_>
struct Operand {
  static constexpr bool along_x = along_x_;
  using Element = typename M::Element;
  M matrix;
  __device__ auto line(int x) const {
    if constexpr (along_x)
      return matrix.column(x);
    else
      return matrix.row(x);
  }
  __device__ auto term(int k) const {
    if constexpr (along_x)
      return matrix.row(k);
    else
      return matrix.column(k);
  }
  using Line = std::conditional_t<along_x, typename M::Column, typename M::Row>;
  using Term = std::conditional_t<along_x, typename M::Row, typename M::Column>;
  __device__ const Element* at(const Line& line, const Term& term) const {
    if constexpr (along_x)
      return matrix.at(term, line);
    else
      return matrix.at(line, term);
  }
  __device__ void move_to(int group) { matrix.elements += group * matrix.group_step; }
};

/// A group's product: (m, n) sums of k terms; blocks along z take part_terms of them each.
template <class A_, class B_, class Result_>
struct ConvProduct {
  using A = A_;
  using B = B_;
  using Element = typename A::Element;
  A a;
  B b;
  Result_ result;
  int m, n, k, part_terms;

  /// This block's group and part of the sum; terms are those from *begin to k.
  __device__ ConvProduct here(int* begin) const {
    ConvProduct p = *this;
    const int group = int(blockIdx.y);
    p.a.move_to(group);
    p.b.move_to(group);
    p.result.move_to(group, m, n);
    *begin = int(blockIdx.z) * part_terms;
    p.k = min(k, *begin + part_terms);
    return p;
  }
};

}  // namespace lathe::kernels
