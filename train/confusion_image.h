// A confusion matrix as a small picture, for TensorBoard.
#pragma once

#include "data/image/image.h"
#include "train/metrics.h"

namespace lathe {

/// A cell for each pair of classes, rows the actual ones from class 0 down, columns the predicted:
/// the darker, the larger its share of the row, with the count in it where there is room.
Image draw_confusion(const Confusion& confusion);

}  // namespace lathe
