#include "data/image_list.h"

#include "data/disjoint.h"
#include "tensor/check.h"
#include "tests/data/picture.h"

using namespace lathe;
using tests::message_of;
using tests::picture;
using tests::write_bytes;
using tests::write_picture;
namespace fs = std::filesystem;

namespace {

/// "0:a.png 1:b.png": labels and file names.
std::string text_of(const ImageList& list) {
  std::string text;
  for (const ImageItem& item : list.items)
    text += (text.empty() ? "" : " ") + std::to_string(item.label) + ":" +
            fs::path(item.path).filename().string();
  return text;
}

void touch(const fs::path& file) {
  fs::create_directories(file.parent_path());
  write_bytes(file, "x");
}

}  // namespace

TEST_CASE("a folder a class: alphabetical classes, any depth, images only") {
  const tests::ScratchFolder folder;
  for (const char* file : {"real/b.JPG", "real/deep/er/c.png", "fake/a.jpeg", "real/notes.txt",
                           "real/.hidden.png", ".cache/x.png", "loose.png"})
    touch(folder / file);
  const ImageList list = list_images({folder.path()});
  CHECK(list.classes == std::vector<std::string>{"fake", "real"});
  CHECK(text_of(list) == "0:a.jpeg 1:b.JPG 1:c.png");
  CHECK(list.items[0].group.empty());

  const ImageList grouped = list_images({folder.path()}, {.group = "([a-z])\\.[a-zA-Z]+$"});
  CHECK(grouped.items[2].group == "c");
  CHECK(message_of([&] { list_images({folder.path()}, {.group = "video_[0-9]+"}); })
            .ends_with("data.group 'video_[0-9]+' is none of its columns, and as a regular "
                       "expression is found in none of its paths"));
  CHECK(message_of([&] {
          list_images({folder.path()}, {.group = "(["});
        }).starts_with("data.group: '([' is no regular expression"));
}

TEST_CASE("folders at any depth by patterns: the first that is found counts") {
  const tests::ScratchFolder folder;
  for (const char* file : {"set1/Fake_faces/x/a.png", "set2/originals/b.png", "fake.png"})
    touch(folder / "deepfake/data" / file);  // what lies above the source does not count
  const ImageListOptions options{.class_patterns = {{"fake", "[Ff]ake"}, {"real", ".*"}}};
  const ImageList list = list_images({folder / "deepfake/data"}, options);
  CHECK(list.classes == std::vector<std::string>{"fake", "real"});
  CHECK(text_of(list) == "1:fake.png 0:a.png 1:b.png");
  const std::string message = message_of([&] {
    list_images({folder / "deepfake/data"}, {.class_patterns = {{"fake", "[Ff]ake"}}});
  });
  CHECK(message.find("the class of ") != std::string::npos);
  CHECK(message.ends_with("none of data.class_patterns is found in its folder's path"));
}

TEST_CASE("JSON splits: by number, labels as numbers or names, groups") {
  const tests::ScratchFolder folder;
  for (const char* file : {"a.png", "b.png", "c.png"}) touch(folder / file);
  const auto json = write_bytes(
      folder / "train.json",
      "\xef\xbb\xbf{\"10\": {\"img_paths\": \"c.png\", \"label\": 1, \"group\": \"v2\"},"
      " \"2\": {\"img_paths\": \"b.png\", \"label\": 0, \"group\": 7},"
      " \"0\": {\"img_paths\": \"" +
          (folder / "a.png").string() + "\", \"label\": 1}}");
  const ImageList list = list_images({json});
  CHECK(text_of(list) == "1:a.png 0:b.png 1:c.png");
  CHECK(list.classes == std::vector<std::string>{"0", "1"});
  CHECK(list.items[1].group == "7");
  CHECK(list.items[2].group == "v2");
  const auto refusal = [&](const std::string& text) {
    const auto file = write_bytes(folder / "bad.json", text);
    return message_of([&] { list_images({file}); }).substr(file.string().size());
  };
  CHECK(refusal("{\"0\": {\"img_paths\": \"d.png\", \"label\": 1}}") ==
        ": \"0\": names " + (folder / "d.png").string() + ", which is not there");
  CHECK(refusal("{\"0\": {\"label\": 1}}") ==
        ": \"0\": expects { \"img_paths\": \"…\", \"label\": 0 }");
  CHECK(refusal("{\"0\": ").find(": is not JSON") != std::string::npos);
  CHECK(refusal("{}") == ": lists no image");
  const std::string a = "{\"img_paths\": \"a.png\", \"label\": 1}";
  CHECK(refusal("{\"0\": " + a + ", \"7\": " + a + ", \"7\": " + a + "}") ==
        ": \"7\": the key is there twice; expects each once, since one image would be lost");
  CHECK(refusal("{\"0\": {\"label\": 0, \"img_paths\": \"a.png\", \"label\": 1}}") ==
        ": \"0\": \"label\": the key is there twice; expects each once");
  for (const char* key : {"class", "group"})
    CHECK(refusal("{\"0\": {\"label\": 0, \"img_paths\": \"a.png\", \"" + std::string(key) +
                  "\": null}}") ==
          ": \"0\": expects text or a whole number as " + std::string(key) + ", got null");
}

TEST_CASE("CSV: a split's rows, names as classes, a column as group") {
  const tests::ScratchFolder folder;
  for (const char* file : {"a.png", "b.png", "c.png"}) touch(folder / file);
  const auto csv = write_bytes(folder / "index.csv",
                               "Path,split,label,Video\r\na.png,train,REAL,v1\r\n"
                               "b.png,val,FAKE,v2\r\nc.png,train,FAKE,v1\r\n");
  const ImageList train = list_images({csv}, {.group = "video", .split = "train"});
  CHECK(train.classes == std::vector<std::string>{"FAKE", "REAL"});
  CHECK(text_of(train) == "1:a.png 0:c.png");
  CHECK(train.items[0].group == "v1");
  const ImageList valid = list_images({csv}, {.split = "valid"});
  CHECK(text_of(valid) == "0:b.png");
  CHECK(message_of([&] { list_images({csv}, {.split = "test"}); }) ==
        csv.string() + ": lists no image of the split test");
  const auto bad = write_bytes(folder / "bad.csv", "file,label\na.png,1\n");
  CHECK(message_of([&] { list_images({bad}); }) ==
        bad.string() + ":1: expects the columns path and label, got file or label");
}

TEST_CASE("no file and no group on two sides, by links either") {
  const tests::ScratchFolder folder;
  for (const char* file : {"a.png", "b.png"}) touch(folder / file);
  fs::create_symlink(folder / "a.png", folder / "link.png");
  const auto check = [](const ImageList& a, const ImageList& b) {
    return message_of(
        [&] { check_disjoint(origins_of(a), "data.train", origins_of(b), "data.valid"); });
  };
  const ImageList a{{{(folder / "a.png").string(), 0, "v1"}}, {"0"}},
      b{{{(folder / "b.png").string(), 0, "v2"}}, {"0"}},
      link{{{(folder / "link.png").string(), 0, ""}}, {"0"}},
      same_group{{{(folder / "b.png").string(), 0, "v1"}}, {"0"}},
      no_group{{{(folder / "a.png").string()}}, {}}, none{{{(folder / "b.png").string()}}, {}};
  CHECK(check(a, b) == "no error");
  CHECK(check(no_group, none) == "no error");
  CHECK(check(a, link) ==
        "data.train and data.valid: expects each file in one of them only; in both are\n  " +
            fs::canonical(folder / "a.png").string());
  CHECK(check(a, same_group) ==
        "data.train and data.valid: expects each group in one of them only; in both are\n  v1");
  ImageList many;
  for (int i = 0; i < 7; ++i) many.items.push_back({concat(i, ".png"), 0, concat("v", i)});
  CHECK(check(many, many).ends_with("4.png\n  and 2 more"));
}

TEST_CASE("folders without classes or images, and what is not there") {
  const tests::ScratchFolder folder;
  CHECK(message_of([&] { list_images({folder.path()}); })
            .ends_with(": holds no image; expects files .jpg, .jpeg, .png or .bmp in a folder for "
                       "each class"));
  touch(folder / "a.png");
  CHECK(message_of([&] { list_images({folder.path()}); })
            .ends_with("is not known; expects a folder for each class in it, such as real and "
                       "fake"));
  CHECK(message_of([&] { list_images({folder / "none"}); }) ==
        (folder / "none").string() + ": there is no such folder or file of images");
}
