// Answers to mistyped names: the nearest of the names that exist.
#pragma once

#include <string>
#include <vector>

namespace lathe {

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours) to `word`,
/// case ignored; empty when all need more than a third of the word's letters, and at least two.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);
/// "; did you mean 'x'?" with the nearest candidate, or nothing when none is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates);
/// "a, b or c".
std::string list_text(const std::vector<std::string>& words);

}  // namespace lathe
