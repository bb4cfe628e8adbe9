#include "data/image_list.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "data/image_files.h"
#include "tensor/check.h"
#include "tensor/suggest.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

std::regex expression(const std::string& text, const char* key) {
  try {
    return std::regex(text);
  } catch (const std::regex_error& e) {
    fail(ErrorKind::usage, key, ": '", text, "' is no regular expression: ", e.what());
  }
}

/// What `data.group` says of paths.
class Grouping {
 public:
  explicit Grouping(const std::string& text)
      : text_(text), regex_(text.empty() ? std::regex() : expression(text, "data.group")) {}
  std::string operator()(const std::string& path) {
    std::smatch match;
    if (text_.empty() || !std::regex_search(path, match, regex_)) return "";
    matched_ = true;
    return match.size() > 1 ? match[1].str() : match[0].str();
  }
  void check(const std::string& source) const {
    if (!text_.empty() && !matched_)
      fail(ErrorKind::data, source, ": data.group '", text_,
           "' is none of its columns, and as a regular expression is found in none of its paths");
  }

 private:
  std::string text_;
  std::regex regex_;
  bool matched_ = false;
};

/// The numbers of classes "0", "1", … where all labels are such, else nothing.
std::optional<int64_t> highest_number(const std::vector<image::Listed>& listed) {
  int64_t highest = -1;
  for (const image::Listed& one : listed) {
    int64_t number = -1;
    const char* const end = one.label.data() + one.label.size();
    const auto [stop, error] = std::from_chars(one.label.data(), end, number);
    if (error != std::errc() || stop != end || number < 0 || number > 100'000) return std::nullopt;
    highest = std::max(highest, number);
  }
  return highest;
}

std::vector<std::string> classes_of(const std::vector<image::Listed>& listed) {
  if (const auto highest = highest_number(listed)) {
    std::vector<std::string> numbers;
    for (int64_t i = 0; i <= *highest; ++i) numbers.push_back(std::to_string(i));
    return numbers;
  }
  std::set<std::string> names;
  for (const image::Listed& one : listed) names.insert(one.label);
  return {names.begin(), names.end()};
}

std::vector<image::Listed> list_one(const fs::path& source, const ImageListOptions& options) {
  if (fs::is_directory(source)) {
    std::vector<std::pair<std::string, std::regex>> patterns;
    for (const auto& [name, text] : options.class_patterns)
      patterns.emplace_back(name, expression(text, "data.class_patterns"));
    return image::list_folder(source, patterns);
  }
  if (!fs::exists(source))
    fail(ErrorKind::data, source.string(), ": there is no such folder or file of images");
  if (!fs::is_regular_file(source))
    fail(ErrorKind::data, source.string(), ": is neither a folder nor a file");
  return image::is_json(source) ? image::list_json(source, options.group)
                                : image::list_csv(source, options.group, options.split);
}

void check_exists(const std::vector<image::Listed>& listed, const fs::path& source) {
  int64_t missing = 0;
  const image::Listed* first = nullptr;
  for (const image::Listed& one : listed)
    if (std::error_code error; !fs::exists(one.path, error)) {
      if (!first) first = &one;
      ++missing;
    }
  if (first)
    fail(ErrorKind::data, source.string(), first->where, ": names ", first->path,
         ", which is not there", missing > 1 ? concat("; nor are ", missing - 1, " others") : "");
}

}  // namespace

ImageList list_images(const std::vector<fs::path>& sources, const ImageListOptions& options) {
  std::vector<image::Listed> all;
  for (const fs::path& source : sources) {
    std::vector<image::Listed> listed = list_one(source, options);
    if (options.must_exist && !fs::is_directory(source)) check_exists(listed, source);
    Grouping grouping(options.group);
    bool by_path = false;
    for (image::Listed& one : listed)
      if (!one.has_group) {
        one.group = grouping(one.shown);
        by_path = true;
      }
    if (by_path) grouping.check(source.string());
    all.insert(all.end(), listed.begin(), listed.end());
  }
  ImageList list;
  list.classes = classes_of(all);
  std::map<std::string, int64_t> numbers;
  for (const std::string& name : list.classes) numbers.emplace(name, int64_t(numbers.size()));
  for (const image::Listed& one : all)
    list.items.push_back({one.path, numbers.at(one.label), one.group});
  return list;
}

ImageList list_inputs(const std::vector<std::string>& inputs) {
  ImageList list;
  for (const std::string& input : inputs) {
    if (!fs::is_directory(input)) {
      list.items.push_back({.path = input});
      continue;
    }
    const std::vector<fs::path> files = images_below(input);
    if (files.empty())
      fail(ErrorKind::data, input, ": holds no image; expects files .jpg, .jpeg, .png or .bmp");
    for (const fs::path& file : files) list.items.push_back({.path = (input / file).string()});
  }
  return list;
}

}  // namespace lathe
