// A synthetic stand-in for landmarks tracked on videos, so that a fresh checkout has something to
// train on: 68-point faces that turn, drift, blink and talk over 16 frames. In a fake the inner
// face (brows, nose, eyes, mouth) flickers against the outline of the head, to and fro between
// frames, as a swapped face does; in a real one it is displaced by as much, but holds still. So any
// one frame of a fake looks like one of a real face: the class lies in the frames together.
#pragma once

#include <cstdint>
#include <filesystem>

namespace lathe {

struct MakeLandmarksOptions {
  int64_t train = 480, valid = 120, test = 120;  ///< samples, half of them real
  uint64_t seed = 0;
};

/// Writes train.csv, train_labels.csv, valid.csv, ... to the folder, which is made where needed.
/// Features: `IDX`, ldmk1_x to ldmk68_x, ldmk1_y to ldmk68_y, in pixels from the middle of the crop
/// around the face, with three decimals; 16 rows a sample. Labels: `IDX,Label`, 0 fake, 1 real. The
/// same seed gives the same bytes. Throws as AtomicFile does.
void make_landmarks(const std::filesystem::path& folder, const MakeLandmarksOptions& options = {});

}  // namespace lathe
