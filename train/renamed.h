// Names of tensors as another program's model wants them.
#pragma once

#include <map>
#include <string>

namespace lathe {

/// The name after a map {from: to}, where `from` is a whole name or its beginning up to a dot; the
/// longest that fits counts. An empty `to` takes the beginning off.
std::string renamed(const std::map<std::string, std::string>& map, const std::string& name);

}  // namespace lathe
