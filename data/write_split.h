// Lists of images as files that recipes read.
#pragma once

#include <filesystem>

#include "data/image_list.h"

namespace lathe {

/// Writes {"0": {"group": "…", "img_paths": "…", "label": 0}, …}, with the keys sorted as text and
/// four spaces a level, as Python's json.dump(sort_keys=True, indent=4) does. Labels are numbers
/// into list.classes; `group` is there where an image has one. Paths of images below the file's
/// folder are relative to it, others absolute.
void write_image_json(const std::filesystem::path& file, const ImageList& list);
/// The same as CSV: path,label[,group], labels by name.
void write_image_csv(const std::filesystem::path& file, const ImageList& list);

/// Throws Error(data) when two entries are the same file, be it by links or by different paths, or
/// when one cannot be found.
void check_all_differ(const ImageList& list);

}  // namespace lathe
