// Which images there are, of which class and group, before any of them is opened: a folder a class,
// folders at any depth by patterns, a JSON split or a CSV file.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lathe {

struct ImageItem {
  std::string path;
  int64_t label = -1;  ///< into ImageList::classes; -1: not known
  std::string group = {};
};

struct ImageList {
  std::vector<ImageItem> items;
  std::vector<std::string> classes;
};

struct ImageListOptions {
  /// { class, regular expression } for the path of an image's folder, from the name of the source
  /// on: the first found counts. Empty: a folder's subfolders are the classes.
  std::vector<std::pair<std::string, std::string>> class_patterns = {};
  /// A column of CSV, a key of JSON, or a regular expression for the path (of a folder's images
  /// from the folder's name on, else as it is written), of which the first (group), or all that is
  /// found, counts. Empty: the column or key `group` where there is one.
  std::string group = {};
  /// Of a CSV with the column `split`, the rows of it: train, valid (or val, validation), test.
  std::string split = {};
  /// Whether each file must be there.
  bool must_exist = true;
};

/// The images of one or several sources, joined, each in a fixed order:
/// - a folder: what has an image's extension in it, at any depth, sorted by path; classes are the
///   names of its subfolders, in alphabetical order, or of the patterns;
/// - JSON: {"0": {"img_paths": "…", "label": 0, "class": "…", "group": "…"}, …}, by number; the
///   last two may be missing, `class` counts more than `label`, a key that is there twice is
///   refused;
/// - CSV: columns path, label, [split], [group].
/// A label is a class's number, counted from 0, or its name; classes are then the names, sorted.
/// Relative paths are relative to the file. Throws Error(data), naming file and place, for what is
/// missing or no such thing, Error(usage) for expressions that are none.
ImageList list_images(const std::vector<std::filesystem::path>& sources,
                      const ImageListOptions& options = {});

/// Images and folders as a command line names them: without classes, in the order given, those of a
/// folder at any depth.
ImageList list_inputs(const std::vector<std::string>& inputs);

/// The files below a folder, at any depth, whose names end as images' do (.jpg, .jpeg, .png, .bmp,
/// in any case), sorted and relative to it. What is hidden is passed over.
std::vector<std::filesystem::path> images_below(const std::filesystem::path& folder);

}  // namespace lathe
