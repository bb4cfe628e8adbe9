#include "data/make_landmarks.h"

#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "tensor/random.h"
#include "tensor/serialize/file.h"

namespace lathe {
namespace {

constexpr int points = 68, frames = 16;
constexpr int first_inner = 17;  // points before it outline the head
constexpr double middle = 0.3;   // height of the face's middle, where coordinates begin
// Pixels. They decide how hard the task is: chosen so that `landmark_mlp` separates the classes,
// but not quite.
constexpr double displacement = 4, displacement_spread = 0.35, tracker_noise = 0.2;
constexpr double pi = std::numbers::pi;

struct Point {
  double x, y, z;  // right, down, towards the viewer; half the head's width is 1
};
using Face = std::array<Point, points>;

/// The usual 68 points of an average face: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips
/// 48-67.
Face average_face() {
  Face face;
  int n = 0;
  const auto add = [&](double x, double y, double z) { face[size_t(n++)] = {x, y, z}; };
  for (int i = 0; i <= 16; ++i) {
    const double a = pi * i / 16;
    add(-std::cos(a), 1.15 * std::pow(std::sin(a), 0.9), -0.8 * std::abs(std::cos(a)));
  }
  for (double side : {-0.78, 0.2})
    for (int i = 0; i < 5; ++i) add(side + 0.145 * i, -0.48 - 0.1 * std::sin(pi * i / 4), 0.3);
  for (int i = 0; i < 4; ++i) add(0, -0.28 + 0.16 * i, 0.4 + 0.1 * i);
  for (int i = 0; i < 5; ++i) add(-0.2 + 0.1 * i, 0.34 + 0.03 * std::sin(pi * i / 4), 0.45);
  const auto ring = [&](double x, double y, double width, double height, int count, double depth) {
    for (int i = 0; i < count; ++i) {
      const double a = pi - 2 * pi * i / count;
      add(x + width * std::cos(a), y - height * std::sin(a), depth);
    }
  };
  ring(-0.42, -0.26, 0.16, 0.065, 6, 0.25);
  ring(0.42, -0.26, 0.16, 0.065, 6, 0.25);
  ring(0, 0.64, 0.32, 0.12, 12, 0.4);
  ring(0, 0.64, 0.24, 0.05, 8, 0.4);
  return face;
}

/// Random numbers of one sample, drawn one after another.
class Draws {
 public:
  Draws(uint64_t seed, uint32_t split, uint32_t sample)
      : uniforms_(seed, Purpose::generate, split, sample, 1),
        normals_(seed, Purpose::generate, split, sample, 2) {}
  double uniform(double low, double high) {
    return low + (high - low) * uniforms_.uniform53(next_uniform_++);
  }
  double normal(double deviation) { return deviation * normals_.normal(next_normal_++); }

 private:
  RandomStream uniforms_, normals_;
  uint64_t next_uniform_ = 0, next_normal_ = 0;
};

/// A quantity over time: a value and a slow wave around it.
class Motion {
 public:
  Motion(Draws& draws, double value_deviation, double wave_deviation)
      : value_(draws.normal(value_deviation)),
        height_(draws.normal(wave_deviation)),
        speed_(2 * pi * draws.uniform(0.3, 1) / frames),
        phase_(draws.uniform(0, 2 * pi)) {}
  double at(int frame) const { return value_ + height_ * std::sin(speed_ * frame + phase_); }

 private:
  double value_, height_, speed_, phase_;
};

/// Closes the eyes and opens the mouth, each by 0 to 1.
void express(Face& face, double closed, double open) {
  for (size_t eye : {36, 42}) {
    double middle = 0;
    for (size_t i = eye; i < eye + 6; ++i) middle += face[i].y / 6;
    for (size_t i = eye; i < eye + 6; ++i)
      face[i].y = middle + (face[i].y - middle) * (1 - 0.9 * closed);
  }
  for (size_t i : {55, 56, 57, 58, 59, 65, 66, 67}) face[i].y += 0.16 * open;  // the lower lip
  for (size_t i = 5; i < 12; ++i) face[i].y += 0.1 * open;                     // the chin
}

/// Turns a point about the vertical axis, the horizontal one, and the line of sight.
Point turn(Point p, double yaw, double pitch, double roll) {
  const double x = p.x * std::cos(yaw) + p.z * std::sin(yaw);
  const double z = p.z * std::cos(yaw) - p.x * std::sin(yaw);
  const double y = p.y * std::cos(pitch) - z * std::sin(pitch);
  return {x * std::cos(roll) - y * std::sin(roll), x * std::sin(roll) + y * std::cos(roll), 0};
}

using Video = std::array<std::array<double, 2 * points>, frames>;  // all x, then all y

/// One video of a person of their own. The displacement of the inner face has a direction of its
/// own too, so its distribution in any one frame is the same for both classes; in a fake it changes
/// its sign from frame to frame.
Video make_video(const Face& average, Draws draws, bool fake) {
  Face person = average;
  const double wide = 1 + draws.normal(0.04), tall = 1 + draws.normal(0.04);
  for (Point& p : person)
    p = {(p.x + draws.normal(0.02)) * wide, (p.y + draws.normal(0.02)) * tall, p.z};
  const Motion yaw(draws, 0.12, 0.12), pitch(draws, 0.06, 0.06), roll(draws, 0.04, 0.03),
      right(draws, 2, 1), down(draws, 2, 1);
  const double size = 72 * (1 + draws.normal(0.05)), blink = draws.uniform(-8, 24);
  const double talk = draws.uniform(0, 0.5), talk_speed = 2 * pi * draws.uniform(1, 3) / frames,
               talk_phase = draws.uniform(0, 2 * pi);
  const double direction = draws.uniform(0, 2 * pi);
  const double distance = displacement * std::exp(draws.normal(displacement_spread));

  Video video;
  for (int frame = 0; frame < frames; ++frame) {
    Face face = person;
    express(face, std::exp(-std::pow((frame - blink) / 1.3, 2)),
            talk * (1 + std::sin(talk_speed * frame + talk_phase)));
    const double sign = fake && frame % 2 ? -1 : 1;
    for (int i = 0; i < points; ++i) {
      const Point p = turn(face[size_t(i)], yaw.at(frame), pitch.at(frame), roll.at(frame));
      const double shift = i < first_inner ? 0 : sign * distance;
      auto& row = video[size_t(frame)];
      row[size_t(i)] =
          right.at(frame) + size * p.x + shift * std::cos(direction) + draws.normal(tracker_noise);
      row[size_t(points + i)] = down.at(frame) + size * (p.y - middle) +
                                shift * std::sin(direction) + draws.normal(tracker_noise);
    }
  }
  return video;
}

/// Appends a number with three decimals.
void append_number(std::string& text, double value) {
  const auto thousandths = int64_t(std::llround(std::abs(value) * 1000));
  if (value < 0 && thousandths != 0) text += '-';
  text += std::to_string(thousandths / 1000);
  const int64_t rest = thousandths % 1000;
  text += {'.', char('0' + rest / 100), char('0' + rest / 10 % 10), char('0' + rest % 10)};
}

std::string header() {
  std::string text = "IDX";
  for (char axis : {'x', 'y'})
    for (int i = 1; i <= points; ++i) text += concat(",ldmk", i, "_", axis);
  return text + '\n';
}

/// Writes the two files of a split.
void make_split(const std::filesystem::path& folder, const std::string& name, uint32_t split,
                int64_t samples, uint64_t seed) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < samples; ++i) labels.push_back(i % 2);
  shuffle_in_place(labels, RandomStream(seed, Purpose::generate, split));

  const Face average = average_face();
  AtomicFile features(folder / (name + ".csv")), label_file(folder / (name + "_labels.csv"));
  features.write(header());
  label_file.write("IDX,Label\n");
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t label = labels[size_t(i)];
    const Video video = make_video(average, Draws(seed, split, uint32_t(i)), label == 0);
    std::string rows;
    for (int frame = 0; frame < frames; ++frame) {
      rows += std::to_string(i * frames + frame);
      for (double value : video[size_t(frame)]) append_number(rows += ',', value);
      rows += '\n';
    }
    features.write(rows);
    label_file.write(concat(i * frames, ',', label, '\n'));
  }
  features.commit();
  label_file.commit();
}

}  // namespace

void make_landmarks(const std::filesystem::path& folder, const MakeLandmarksOptions& options) {
  LATHE_CHECK(options.train > 0 && options.valid > 0 && options.test > 0,
              "make landmarks: expects at least one sample for train, valid and test, got ",
              options.train, ", ", options.valid, ", ", options.test);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorKind::usage, folder.string(), ": cannot be made: ", error.message());
  make_split(folder, "train", 0, options.train, options.seed);
  make_split(folder, "valid", 1, options.valid, options.seed);
  make_split(folder, "test", 2, options.test, options.seed);
}

}  // namespace lathe
