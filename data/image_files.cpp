#include "data/image_files.h"

#include <algorithm>
#include <optional>

#include "data/csv.h"
#include "data/image_list.h"
#include "tensor/check.h"
#include "tensor/suggest.h"
#include "tensor/utf8.h"

namespace lathe {

namespace fs = std::filesystem;

namespace {

bool has_image_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  static const std::vector<std::string> known = {".jpg", ".jpeg", ".png", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

}  // namespace

std::vector<fs::path> images_below(const fs::path& folder) {
  std::vector<fs::path> found;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::follow_directory_symlink);
  for (; entries != fs::recursive_directory_iterator(); ++entries) {
    const fs::path name = entries->path().filename();
    if (name.string().starts_with(".")) {
      if (entries->is_directory()) entries.disable_recursion_pending();
    } else if (has_image_extension(name) && entries->is_regular_file()) {
      found.push_back(entries->path().lexically_relative(folder));
    }
    if (entries.depth() > 64)
      fail(ErrorKind::data, folder.string(), ": folders lie in one another more than 64 deep");
  }
  std::sort(found.begin(), found.end());
  return found;
}

namespace image {
namespace {

/// A folder's own name, whatever way leads to it: what lies above says nothing about its images.
std::string named(const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

/// A CSV's splits go by several names.
std::string split_name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return name == "val" || name == "validation" ? "valid" : name;
}

std::optional<size_t> column_of(const std::vector<std::string>& header, std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return size_t(found - header.begin());
}

}  // namespace

std::vector<Listed> list_folder(
    const fs::path& folder, const std::vector<std::pair<std::string, std::regex>>& class_patterns) {
  std::vector<Listed> listed;
  std::string without_class;
  for (const fs::path& file : images_below(folder)) {
    Listed one;
    one.path = (folder / file).string();
    if (!is_utf8(one.path))
      fail(ErrorKind::data, folder.string(),
           ": the name of an image is not UTF-8; rename it: ", one.path);
    one.shown = named(folder) + "/" + file.generic_string();
    const std::string parent = fs::path(one.shown).parent_path().generic_string();
    for (const auto& [name, pattern] : class_patterns)
      if (one.label.empty() && std::regex_search(parent, pattern)) one.label = name;
    if (class_patterns.empty() && file.has_parent_path()) one.label = file.begin()->string();
    if (one.label.empty()) {
      if (without_class.empty()) without_class = one.path;
      continue;
    }
    listed.push_back(one);
  }
  if (!without_class.empty() && (listed.empty() || !class_patterns.empty()))
    fail(ErrorKind::data, folder.string(), ": the class of ", without_class, " is not known; ",
         class_patterns.empty() ? "expects a folder for each class in it, such as real and fake"
                                : "none of data.class_patterns is found in its folder's path");
  if (listed.empty())
    fail(ErrorKind::data, folder.string(),
         ": holds no image; expects files .jpg, .jpeg, .png or .bmp in a folder for each class");
  return listed;
}

std::vector<Listed> list_csv(const fs::path& file, const std::string& group,
                             const std::string& split) {
  CsvReader reader(file);
  const std::vector<std::string> header = read_csv_header(reader);
  const auto path = column_of(header, "path"), label = column_of(header, "label");
  const auto own_split = column_of(header, "split");
  const auto own_group = column_of(header, group.empty() ? "group" : group);
  if (!path || !label)
    reader.refuse(1, "expects the columns path and label, got ", list_text(header));
  std::vector<Listed> listed;
  for (CsvRow row; reader.next(row);) {
    if (row.cells.size() != header.size())
      reader.refuse(row.line, "expects ", header.size(), " cells, got ", row.cells.size());
    if (own_split && !split.empty() && split_name(row.cells[*own_split]) != split) continue;
    Listed one;
    one.where = concat(":", row.line);
    if (row.cells[*path].empty() || row.cells[*label].empty())
      reader.refuse(row.line, "expects a path and a label, one is empty");
    one.shown = row.cells[*path];
    if (one.shown.size() > longest_path)
      reader.refuse(row.line, "the path is of ", one.shown.size(), " letters, no file has that");
    one.path = (file.parent_path() / one.shown).lexically_normal().string();
    if (!is_utf8(one.path)) reader.refuse(row.line, "the path is not UTF-8");
    one.label = row.cells[*label];
    if (own_group) one.group = row.cells[*own_group];
    one.has_group = own_group || group.empty();
    listed.push_back(one);
  }
  if (listed.empty())
    fail(ErrorKind::data, file.string(), ": lists no image",
         own_split ? " of the split " + split : "");
  return listed;
}

}  // namespace image
}  // namespace lathe
