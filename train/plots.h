// Pictures of what a run or an evaluation came to: CSV files, a script for gnuplot that draws them,
// and, where gnuplot is found, PNG and SVG.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/metrics.h"

namespace lathe {

/// Writes confusion.csv and, of two classes that both occur, roc.csv and precision_recall.csv. The
/// curves' thresholds are of the positive class's probability.
void write_plot_data(const std::filesystem::path& folder, const Evaluator& samples,
                     const std::vector<std::string>& classes, double threshold = 0.5);

/// Draws what data there are, and loss and accuracy where there is a results.csv in the folder
/// above. Returns a line for people: what was drawn, or why nothing was and what to do.
std::string draw_plots(const std::filesystem::path& folder);

/// Removes what these two make, and no other files.
void remove_plots(const std::filesystem::path& folder);

}  // namespace lathe
