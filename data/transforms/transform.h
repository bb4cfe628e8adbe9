// What a recipe's [[transform.train]] and [[transform.eval]] list: steps from a decoded image to
// what the model sees, some of them random. Names and parameters are torchvision's or
// albumentations'. Whatever a step draws comes from Philox keyed by seed, epoch, sample and the
// step's place in the list, so an image looks the same for any number of workers and after a
// resume.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/transforms/pixels.h"
#include "tensor/random.h"

namespace lathe {

/// The random numbers of one step on one sample, one after the other.
class Draws {
 public:
  explicit Draws(const RandomStream& stream) : stream_(stream) {}
  /// In [low, high).
  double uniform(double low = 0, double high = 1) {
    return low + (high - low) * (double(word() >> 11) * 0x1p-53);
  }
  /// In 0 to bound - 1.
  int64_t below(int64_t bound) {
    return int64_t((static_cast<unsigned __int128>(word()) * uint64_t(bound)) >> 64);
  }
  /// Standard normal.
  double normal();
  bool chance(double p) { return uniform() < p; }

 private:
  uint64_t word() {
    const Philox4 block = stream_.block(next_++);
    return uint64_t(block.x) << 32 | block.y;
  }
  RandomStream stream_;
  uint64_t next_ = 0;
};

/// One step.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Image apply(Image image, Draws& draws) const = 0;
};

/// Which sample it is, and when: the key of all draws.
struct SampleKey {
  uint64_t seed = 0;
  uint32_t epoch = 0;
  uint32_t sample = 0;
};

/// A list of steps, the last of which may be Normalize. Without it pixels are divided by 255.
class Pipeline {
 public:
  /// Each step as a JSON object: {"name": "Resize", "size": 256}. `place` ("transform.train")
  /// stands in front of messages. Throws Error(usage) for names and parameters that do not exist,
  /// with the nearest that does.
  explicit Pipeline(const std::vector<std::string>& steps = {},
                    const std::string& place = "transform");

  /// The pixels that the model is going to see, before they become numbers.
  Image pixels(Image image, const SampleKey& key) const;
  /// Those pixels as numbers: `to` holds (height, width, 3).
  const PixelScale& scale() const { return scale_; }

 private:
  struct Step {
    std::unique_ptr<Transform> transform;
    double probability;
  };
  std::vector<Step> steps_;
  PixelScale scale_;
};

}  // namespace lathe
