#include "data/write_split.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "data/csv.h"
#include "tensor/check.h"
#include "tensor/serialize/file.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

/// How a file in this folder names an image.
std::string path_from(const fs::path& folder, const std::string& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  const fs::path relative = whole.lexically_relative(fs::absolute(folder).lexically_normal());
  return relative.empty() || *relative.begin() == ".." ? whole.string() : relative.string();
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

}  // namespace

void write_image_json(const fs::path& file, const ImageList& list) {
  nlohmann::json all = nlohmann::json::object();  // sorts its keys as text
  for (size_t i = 0; i < list.items.size(); ++i) {
    const ImageItem& item = list.items[i];
    nlohmann::json& one = all[std::to_string(i)];
    one = {{"img_paths", path_from(folder_of(file), item.path)},
           {"label", item.label},
           {"class", list.classes[size_t(item.label)]}};
    if (!item.group.empty()) one["group"] = item.group;
  }
  atomic_write(file, all.dump(4, ' ', true));
}

void write_image_csv(const fs::path& file, const ImageList& list) {
  const bool groups = std::any_of(list.items.begin(), list.items.end(),
                                  [](const ImageItem& item) { return !item.group.empty(); });
  std::string text = groups ? "path,label,group\n" : "path,label\n";
  for (const ImageItem& item : list.items) {
    text += csv_cell(path_from(folder_of(file), item.path)) + ',' +
            csv_cell(list.classes[size_t(item.label)]);
    if (groups) text += ',' + csv_cell(item.group);
    text += '\n';
  }
  atomic_write(file, text);
}

void check_all_differ(const ImageList& list) {
  std::map<std::pair<dev_t, ino_t>, const std::string*> seen;
  for (const ImageItem& item : list.items) {
    struct stat status;
    if (stat(item.path.c_str(), &status) != 0)
      fail(ErrorKind::data, item.path, ": cannot be read: ", std::strerror(errno));
    const auto [first, is_new] = seen.emplace(std::pair(status.st_dev, status.st_ino), &item.path);
    if (is_new) continue;
    if (*first->second == item.path)
      fail(ErrorKind::data, item.path, ": expects each image once, this one is there twice");
    fail(ErrorKind::data, "expects each image once; ", *first->second, " and ", item.path,
         " are the same file");
  }
}

}  // namespace lathe
