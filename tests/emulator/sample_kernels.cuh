// Two small kernels that tests of the emulated runtime launch.
#pragma once

#include "kernels/device.cuh"

namespace {

/// y[i] += a x[i] for i < n.
__global__ void add_scaled(float* y, const float* x, float a, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += a * x[i];
}

/// y of n <= 128 elements the other way round, by one block through shared memory.
__global__ void reverse(float* y, int n) {
  SHARED(float, copy, [128]);
  copy[threadIdx.x] = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = copy[n - 1 - int(threadIdx.x)];
}

}  // namespace
