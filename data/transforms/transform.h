// What a recipe's [[transform.train]] and [[transform.eval]] list: steps from a decoded image to
// what the model sees, some of them random. Names and parameters are torchvision's or
// albumentations' (docs/images.md has the table). Whatever a step draws is keyed by seed, epoch,
// sample and the step's place in the list, so an image looks the same for any number of workers and
// after a resume.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/transforms/draws.h"
#include "data/transforms/pixels.h"

namespace lathe {

/// One step.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual Image apply(Image image, Draws& draws) const = 0;
};

/// A step, and how often it is applied.
struct MadeStep {
  std::unique_ptr<Transform> transform;
  double p = 1;
};

/// Which sample it is, and when: the key of all draws.
struct SampleKey {
  uint64_t seed = 0;
  uint32_t epoch = 0;
  uint32_t sample = 0;
};

/// A list of steps that ends in Normalize, or in this and RandomErasing. Without Normalize pixels
/// are divided by 255.
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
  bool fused(size_t step) const;
  std::vector<MadeStep> steps_;
  PixelScale scale_;
};

}  // namespace lathe
