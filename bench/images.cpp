// How fast files of images become what a model is fed, on one core, for bench/peers/images.py: each
// file of a list is read and decoded, goes through the steps that a recipe would name, and becomes
// numbers. Prints milliseconds an image: all of it, and the shares of decoding and of the steps.
#include <chrono>
#include <fstream>
#include <iostream>

#include "data/image/image.h"
#include "data/transforms/transform.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Times {
  double decode = 0, steps = 0, all = 0;
};

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Times one_round(const std::vector<std::string>& files, const lathe::Pipeline& pipeline) {
  std::vector<float> numbers;
  Times times;
  uint32_t sample = 0;
  const auto start = Clock::now();
  for (const std::string& file : files) {
    const auto begin = Clock::now();
    lathe::Image image = lathe::read_image(file);
    const auto decoded = Clock::now();
    image = pipeline.pixels(std::move(image), {1, 0, sample++});
    times.steps += milliseconds(Clock::now() - decoded);
    times.decode += milliseconds(decoded - begin);
    numbers.resize(image.pixels.size());
    pipeline.scale().apply(image, numbers.data());
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
  const lathe::Pipeline pipeline(
      {R"({"name": "Resize", "size": 256})", R"({"name": "RandomCrop", "size": 224})",
       R"({"name": "HorizontalFlip"})",
       R"({"name": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]})"});
  Times best{1e30, 1e30, 1e30};
  for (int round = argc > 2 ? std::stoi(argv[2]) : 3; round > 0; --round) {
    const Times times = one_round(files, pipeline);
    if (times.all < best.all) best = times;
  }
  const double count = double(files.size());
  std::cout << best.all / count << ' ' << best.decode / count << ' ' << best.steps / count << '\n';
}
