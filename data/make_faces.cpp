#include "data/make_faces.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "data/faces/draw.h"
#include "data/faces/marks.h"
#include "tensor/check.h"
#include "tensor/parallel.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;
constexpr int pictures_a_person = 3;

/// One picture to be made. Its content depends on the part, the class, and the numbers within the
/// part, so that a larger training set leaves the others' pictures alone.
struct Picture {
  fs::path path;
  uint32_t part, person, number;  // of train, valid, test; of the part's; of the person's
  bool fake;
};

std::vector<std::byte> draw(const Picture& picture, const MakeFacesOptions& options) {
  const auto draws = [&](uint32_t op) {
    return RandomStream(options.seed, Purpose::generate, picture.part, picture.person, op);
  };
  enum : uint32_t { person = 16, scene, forgery, texture, shot, noise };  // not the landmarks'
  const uint32_t of_picture = 16 * (picture.number + 1);
  faces::Draws skin(draws(texture + of_picture));
  const faces::Texture surface(skin);
  const faces::Shot taken(faces::Draws(draws(shot + of_picture)), options.size);
  const faces::Canvas canvas =
      faces::draw_face(faces::Person(faces::Draws(draws(person))),
                       faces::Scene(faces::Draws(draws(scene))), taken, surface, options.size);
  const Image photo = faces::photograph(canvas, taken.noise, draws(noise + of_picture));
  Image image = faces::rescaled(photo, taken.softness);
  if (picture.fake)
    image = faces::forged(image, taken, faces::Forgery(faces::Draws(draws(forgery))));
  return encode_jpeg(image, taken.quality);
}

/// A number with leading zeros.
std::string digits(int64_t number, size_t least) {
  const std::string text = std::to_string(number);
  return std::string(text.size() < least ? least - text.size() : 0, '0') + text;
}

/// The pictures of train, valid and test. Persons are numbered through all three.
std::vector<Picture> planned(const fs::path& folder, const MakeFacesOptions& options) {
  std::vector<Picture> pictures;
  int64_t first_person = 0;
  const std::pair<const char*, int64_t> parts[] = {
      {"train", options.train}, {"valid", options.valid}, {"test", options.test}};
  for (uint32_t part = 0; part < 3; ++part) {
    const auto [name, count] = parts[part];
    for (int64_t i = 0; i < count; ++i) {
      const bool fake = i % 2 == 0;
      const auto person = uint32_t(i / 2 / pictures_a_person);
      const auto number = uint32_t(i / 2 % pictures_a_person);
      const int64_t named = first_person + person;
      pictures.push_back({folder / name / (fake ? "fake" : "real") /
                              (digits(named, 4) + "_" + digits(number, 2) + ".jpg"),
                          part, person, number, fake});
    }
    first_person += ((count + 2 * pictures_a_person - 1) / (2 * pictures_a_person));
  }
  return pictures;
}

/// Makes the folders; throws when they hold files that the new ones would not replace.
void prepare_folders(const fs::path& folder, const std::vector<Picture>& pictures) {
  std::unordered_set<std::string> names;
  for (const Picture& picture : pictures) names.insert(picture.path.string());
  for (const char* part : {"train", "valid", "test"})
    for (const char* label : {"fake", "real"}) {
      const fs::path inner = folder / part / label;
      std::error_code error;
      fs::create_directories(inner, error);
      if (error) fail(ErrorKind::usage, inner.string(), ": cannot be made: ", error.message());
      for (const auto& entry : fs::directory_iterator(inner, error))
        LATHE_CHECK(names.contains(entry.path().string()), "make faces: ", entry.path().string(),
                    " is there already and would be left among the new images; remove ",
                    folder.string(), " or name another folder");
      if (error) fail(ErrorKind::usage, inner.string(), ": cannot be read: ", error.message());
    }
}

/// Without waiting for the disk as AtomicFile does: what a crash leaves unfinished can be made
/// again.
void write(const fs::path& path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
  file.close();
  if (!file) fail(ErrorKind::device, path.string(), ": cannot be written: ", std::strerror(errno));
}

}  // namespace

void make_faces(const fs::path& folder, const MakeFacesOptions& options) {
  LATHE_CHECK(options.train > 1 && options.valid > 1 && options.test > 1,
              "make faces: expects at least two samples for train, valid and test, got ",
              options.train, ", ", options.valid, ", ", options.test);
  LATHE_CHECK(options.size >= 32 && options.size <= 2048,
              "make faces: expects a size of 32 to 2048 pixels, got ", options.size);
  const std::vector<Picture> pictures = planned(folder, options);
  prepare_folders(folder, pictures);
  parallel_for(0, int64_t(pictures.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      write(pictures[size_t(i)].path, draw(pictures[size_t(i)], options));
  });
}

}  // namespace lathe
