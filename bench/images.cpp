// How fast files of images become what a model is fed, on one core, for bench/peers/images.py: each
// file of a list is read, decoded, resized so that its shorter side is 256, cropped to 224 x 224 at
// a random place, mirrored half the time, and normalised. Prints milliseconds an image: all of it,
// and the share of decoding and resizing.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include "data/image/image.h"
#include "data/transforms/pixels.h"
#include "data/transforms/resize.h"
#include "tensor/random.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Times {
  double decode = 0, resize = 0, all = 0;
};

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Times one_round(const std::vector<std::string>& files, const lathe::PixelScale& scale) {
  constexpr int64_t shorter = 256, side = 224;
  const lathe::RandomStream random(1, lathe::Purpose::test);
  std::vector<float> numbers(side * side * 3);
  Times times;
  uint64_t draw = 0;
  const auto start = Clock::now();
  for (const std::string& file : files) {
    const auto begin = Clock::now();
    lathe::Image image = lathe::read_image(file);
    const auto decoded = Clock::now();
    const int64_t least = std::min(image.width, image.height);
    const int64_t width = shorter * image.width / least, height = shorter * image.height / least;
    const int64_t x = random.bits(draw) % (width - side + 1);
    const int64_t y = random.bits(draw + 1) % (height - side + 1);
    image = lathe::resize(image, width, height, lathe::Interpolation::bilinear, {x, y, side, side});
    times.resize += milliseconds(Clock::now() - decoded);
    times.decode += milliseconds(decoded - begin);
    if (random.bits(draw + 2) % 2) image = lathe::mirrored(image);
    scale.apply(image, numbers.data());
    draw += 3;
  }
  times.all = milliseconds(Clock::now() - start);
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: bench_images LIST_OF_FILES [ROUNDS]\n";
    return 2;
  }
  std::ifstream list(argv[1]);
  std::vector<std::string> files;
  for (std::string line; std::getline(list, line);) files.push_back(line);
  const lathe::PixelScale scale({0.485, 0.456, 0.406}, {0.229, 0.224, 0.225});
  Times best{1e30, 1e30, 1e30};
  for (int round = argc > 2 ? std::stoi(argv[2]) : 3; round > 0; --round) {
    const Times times = one_round(files, scale);
    if (times.all < best.all) best = times;
  }
  const double count = double(files.size());
  std::cout << best.all / count << ' ' << best.decode / count << ' ' << best.resize / count << '\n';
}
