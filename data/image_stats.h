// What a set of images is like: how many of each class, how large, how bright.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/image_list.h"

namespace lathe {

/// Of a list of numbers; the median of an even count is the mean of the middle two.
struct Spread {
  int64_t smallest = 0, largest = 0;
  double median = 0;
};

struct ImageStats {
  struct Class {
    std::string name;
    int64_t images = 0;
    double share = 0;  ///< of all images that could be read
  };
  struct Bad {
    std::string path, why;
  };
  int64_t images = 0;  ///< that could be read
  std::vector<Class> classes;
  int64_t groups = 0;  ///< different ones; 0 when no image has one
  Spread width, height;
  /// Of pixels / 255, over all pixels of all images, a channel: red, green, blue. Sums are of whole
  /// numbers, so they are the same for any number of threads.
  std::array<double, 3> mean = {}, deviation = {};
  std::vector<Bad> bad;  ///< what could not be read; in no other number
};

/// Reads all images, on all threads, a few in memory at a time.
ImageStats image_stats(const ImageList& list);

}  // namespace lathe
