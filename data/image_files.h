// The forms in which images are listed, read one by one; used by data/image_list alone.
#pragma once

#include <filesystem>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace lathe::image {

/// An image as its source tells of it.
struct Listed {
  std::string path, label, group;
  std::string shown;  ///< what patterns are looked for in: the path from the folder's name on, or
                      ///< as the file has it
  bool has_group = false;  ///< the source says which, be it none
  std::string where;       ///< ":12" or " \"17\"": for messages, behind the source's name
};

/// Longer paths name no file, and regular expressions take the stack for each letter.
inline constexpr size_t longest_path = 4096;

std::vector<Listed> list_folder(
    const std::filesystem::path& folder,
    const std::vector<std::pair<std::string, std::regex>>& class_patterns);
std::vector<Listed> list_json(const std::filesystem::path& file, const std::string& group);
std::vector<Listed> list_csv(const std::filesystem::path& file, const std::string& group,
                             const std::string& split);
/// Whether the file's first letter that is no space is a {.
bool is_json(const std::filesystem::path& file);

}  // namespace lathe::image
