#include "train/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include "data/csv.h"
#include "tensor/check.h"
#include "train/ranking.h"
#include "train/run_folder.h"
#include "train/run_program.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

/// What all plots have in common. A loop draws each as PNG and as SVG.
constexpr const char* beginning = R"(# gnuplot -d plots.gnuplot draws the files beside it again.
set datafile separator comma
do for [kind in "png svg"] {
if (kind eq "png") { set terminal pngcairo size 900,600 noenhanced }
else { set terminal svg size 900,600 noenhanced background "white" }
set grid
)";

constexpr const char* epochs = R"(set xlabel "epoch"
set ylabel "{0}"
set output "{0}.".kind
plot {1}
)";

constexpr const char* curve = R"(set xrange [0:1]
set yrange [0:1.01]
set size square
set xlabel "{1}"
set ylabel "{2}"
set output "{0}.".kind
plot "{0}.csv" skip 1 using 2:3 with lines linewidth 2 notitle{3}
)";

constexpr const char* confusion = R"(unset grid
set size square
set xrange [*:*]
set yrange [*:*] reverse
set cbrange [0:*]
set xlabel "predicted"
set ylabel "actual"
set palette defined (0 "white", 1 "#6baed6")
set output "confusion.".kind
plot "confusion.csv" matrix rowheaders columnheaders using 1:2:3 with image notitle{}
)";
constexpr const char* counts =
    R"(, "" matrix rowheaders columnheaders using 1:2:(sprintf("%d", $3)) with labels notitle)";

/// A curve over epochs for each split that was measured, of results.csv in the folder above.
std::string over_epochs(const fs::path& results, const std::string& what) {
  std::string curves;
  for (const std::string split : {"train", "valid"}) {
    const std::string column = split + "_" + what;
    const std::vector<double> values = ResultsFile(results, 9).column(column);
    if (std::none_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
      continue;
    if (!curves.empty()) curves += ", ";
    curves += fmt::format(R"("../results.csv" using "epoch":"{}" with linespoints title "{}")",
                          column, split);
  }
  return curves.empty() ? "" : fmt::format(epochs, what, curves);
}

/// The script for the data that a folder has; empty for none.
std::string script_for(const fs::path& folder) {
  std::string plots;
  for (const char* what : {"loss", "accuracy"})
    plots += over_epochs(folder.parent_path() / "results.csv", what);
  if (fs::exists(folder / "roc.csv"))
    plots += fmt::format(curve, "roc", "false positive rate", "true positive rate",
                         R"(, x dashtype 2 linecolor "gray" notitle)");
  if (fs::exists(folder / "precision_recall.csv"))
    plots += fmt::format(curve, "precision_recall", "recall", "precision", "");
  if (fs::exists(folder / "confusion.csv")) {
    std::ifstream in(folder / "confusion.csv");
    const int64_t rows = std::count(std::istreambuf_iterator<char>(in), {}, '\n');
    plots += fmt::format(confusion, rows <= 21 ? counts : "");
  }
  if (plots.empty()) return "";
  return beginning + plots + "unset output\nreset\nset datafile separator comma\n}\n";
}

/// Not atomically, which would cost a small run's epochs much: after a kill, a resumed run writes
/// them again.
void write_text(const fs::path& file, const std::string& text) {
  if (!(std::ofstream(file) << text << std::flush))
    fail(ErrorKind::device, file.string(), ": cannot write this file");
}

/// A class's name for gnuplot, which knows no quoted line ends.
std::string cell(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return uint8_t(c) < 32; }, ' ');
  return csv_cell(name);
}

}  // namespace

void write_plot_data(const fs::path& folder, const Evaluator& samples,
                     const std::vector<std::string>& classes, double threshold) {
  fs::create_directories(folder);
  std::string text = "actual";
  for (const std::string& name : classes) text += "," + cell(name);
  const Confusion counts_of = samples.result(threshold).confusion;
  for (size_t i = 0; i < classes.size(); ++i)
    text += fmt::format("\n{},{}", cell(classes[i]), fmt::join(counts_of[i], ","));
  write_text(folder / "confusion.csv", text + "\n");
  std::error_code missing;
  for (const char* file : {"roc.csv", "precision_recall.csv"}) fs::remove(folder / file, missing);
  if (classes.size() != 2) return;
  const auto [scores, positive] = samples.ranked();
  const int64_t positives = std::count(positive.begin(), positive.end(), true);
  if (positives == 0 || positives == int64_t(positive.size())) return;
  std::string roc = "threshold,false_positive_rate,true_positive_rate\n";
  std::string precision_recall = "threshold,recall,precision\n";
  for (const CurvePoint& p : ranking_curve(scores, positive)) {
    const double from = samples.positive() == 1 ? p.threshold : 1 + p.threshold;
    roc += fmt::format("{:.9g},{:.9g},{:.9g}\n", from, p.false_positive_rate, p.true_positive_rate);
    precision_recall +=
        fmt::format("{:.9g},{:.9g},{:.9g}\n", from, p.true_positive_rate, p.precision);
  }
  write_text(folder / "roc.csv", roc);
  write_text(folder / "precision_recall.csv", precision_recall);
}

void remove_plots(const fs::path& folder) {
  std::error_code missing;
  fs::remove(folder / "plots.gnuplot", missing);
  for (const std::string name : {"loss", "accuracy", "roc", "precision_recall", "confusion"})
    for (const char* extension : {".csv", ".png", ".svg"})
      fs::remove(folder / (name + extension), missing);
}

std::string draw_plots(const fs::path& folder) {
  const std::string script = script_for(folder);
  if (script.empty()) return folder.string() + ": nothing to draw";
  fs::create_directories(folder);
  write_text(folder / "plots.gnuplot", script);
  constexpr double seconds = 60;
  const int code = run_program({"gnuplot", "-d", "plots.gnuplot"}, folder, "gnuplot.log", seconds);
  std::ifstream in(folder / "gnuplot.log");
  const std::string output{std::istreambuf_iterator<char>(in), {}};
  std::error_code missing;
  fs::remove(folder / "gnuplot.log", missing);
  const std::string later = "; `gnuplot -d plots.gnuplot` in " + folder.string() + " draws them";
  if (code == 0) return "plots: " + folder.string();
  if (code == -1 || code == 127)
    return "plots: not drawn, since there is no gnuplot; install gnuplot-nox (or gnuplot)" + later;
  if (code == -2) return fmt::format("plots: given up after {} s{}", seconds, later);
  return fmt::format("plots: gnuplot failed with exit code {}: {}{}", code, output, later);
}

}  // namespace lathe
