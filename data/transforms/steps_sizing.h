// Two kinds of steps that Pipeline can make one of: resizing, and cutting a part out. Then only
// that part is computed, with the same bytes.
#pragma once

#include <optional>

#include "data/transforms/resize.h"
#include "data/transforms/step_parameters.h"

namespace lathe {

/// `interpolation`, as one of Resize's names.
Interpolation take_interpolation(StepParameters& parameters, const std::string& name,
                                 const std::string& otherwise);

/// A step that makes another size of an image, by resize().
class SizeStep : public Transform {
 public:
  struct Target {
    int64_t width, height;
    Interpolation interpolation;
  };
  virtual Target target(int64_t width, int64_t height) const = 0;
  Image apply(Image image, Draws&) const final;
};

/// A step that cuts a part out of an image.
class CutStep : public Transform {
 public:
  /// The part of an image of this size; nothing, and nothing drawn, where the step does more.
  virtual std::optional<Window> window(int64_t width, int64_t height, Draws& draws) const = 0;
};

}  // namespace lathe
