// Whether two sets of samples share a file or a group (a source video, a person), so that what is
// measured on one has been seen in the other.
#pragma once

#include <set>
#include <string>

#include "data/dataset.h"
#include "data/image_list.h"

namespace lathe {

/// The files and the groups that samples come from, where these are known.
struct Origins {
  std::set<std::string> files;  ///< by their path behind all links
  std::set<std::string> groups;
};
/// Images can be asked before any of them is opened, other samples once they are a dataset.
Origins origins_of(const ImageList& images);
Origins origins_of(const Dataset& samples);

/// Throws Error(data), which lists the first of them, when a file or a group is in both. The names
/// are those of the sets, such as data.train.
void check_disjoint(const Origins& a, const std::string& a_name, const Origins& b,
                    const std::string& b_name);

}  // namespace lathe
