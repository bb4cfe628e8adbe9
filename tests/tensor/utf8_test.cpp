#include "tensor/utf8.h"

#include "tests/support.h"

using lathe::is_utf8;

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* good : {"", "a", "Größe", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf"})
    CHECK_MESSAGE(is_utf8(good), good);
  for (const char* bad : {"\xff",
                          "Gr\xf6\xdf"
                          "e",
                          "\x80", "\xc3", "a\xe2\x82", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3\x28"})
    CHECK_FALSE(is_utf8(bad));
}
