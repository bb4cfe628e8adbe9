// Files of weights that are damaged or hostile: each is refused with words that say what it is,
// quickly, and nothing in it is ever run.
#include <zlib.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "tensor/random.h"
#include "tensor/serialize/weights_file.h"
#include "tensor/serialize/zip.h"
#include "tests/support.h"

using namespace lathe;
using tests::bytes_of;
using tests::write_bytes;

namespace {

/// The message of reading a file of these bytes, without the file's name; "accepted" for none.
std::string refusal(const std::string& bytes, const std::string& name = "x.pth") {
  const tests::ScratchFolder folder;
  const auto file = write_bytes(folder / name, bytes);
  try {
    read_weights(file);
  } catch (const Error& e) {
    CHECK_EQ(e.kind(), ErrorKind::data);
    const std::string message = e.what(), start = file.string() + ": ";
    CHECK_EQ(message.substr(0, start.size()), start);
    return message.substr(start.size());
  }
  return "accepted";
}

/// An archive of these entries, without compression.
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries) {
  const tests::ScratchFolder folder;
  AtomicFile file(folder / "zip");
  ZipWriter zip(file);
  for (const auto& [name, bytes] : entries) zip.add(name, bytes);
  zip.finish();
  file.commit();
  return bytes_of(folder / "zip");
}

/// A .pth whose pickle is this program, with a storage '0' of 16 bytes.
std::string pth(const std::string& program) {
  return zip_of({{"a/data.pkl", "\x80\x02" + program}, {"a/data/0", std::string(16, '\1')}});
}

std::string text(const std::string& word) { return std::string("U") + char(word.size()) + word; }
std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
/// {"x": tensor} with a storage of `count` elements, and integers as pickle opcodes.
std::string tensor_program(const std::string& count, const std::string& offset,
                           const std::string& shape, const std::string& strides,
                           const std::string& key = "0") {
  return "}" + text("x") + global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") +
         global("torch", "FloatStorage") + text(key) + text("cpu") + count + "tQ" + offset + shape +
         strides + "\x89}tRs.";
}
const std::string k0("K\0", 2), k1 = "K\1", k4 = "K\4";
std::string huge(int64_t value) {
  std::string bytes("\x8a\x08", 2);
  bytes.append(reinterpret_cast<const char*>(&value), 8);
  return bytes;
}

void check_refused(const std::string& bytes, const std::string& part,
                   const std::string& name = "x.pth") {
  const std::string message = refusal(bytes, name);
  CHECK_MESSAGE(message.find(part) != std::string::npos,
                "expected '" << part << "' in: " << message);
}

std::string golden_bytes(const std::string& name) {
  return bytes_of(tests::golden("weights/" + name));
}

template <class T>
void put(std::string& bytes, size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

/// The place of the end record, of its 64-bit twin and of the directory in what ZipWriter writes.
size_t end_of(const std::string& zip) { return zip.size() - 22; }
size_t end64_of(const std::string& zip) { return zip.size() - 22 - 20 - 56; }
size_t directory_of(const std::string& zip) {
  uint64_t at;
  std::memcpy(&at, zip.data() + end64_of(zip) + 48, 8);
  return at;
}

}  // namespace

TEST_CASE("a pickle that calls anything is refused by the name of what it would call") {
  const std::string command = "(" + text("touch /tmp/lathe-was-here") + "tR.";
  const std::string nested = "}" + text("state_dict") + "}" + text("w");
  struct {
    std::string program, name;
  } const attacks[] = {
      {global("os", "system") + command, "names 'os.system'"},
      {global("posix", "system") + command, "names 'posix.system'"},
      {global("builtins", "eval") + command, "names 'builtins.eval'"},
      {global("builtins", "exec") + command, "names 'builtins.exec'"},
      {global("__builtin__", "getattr") + command, "names '__builtin__.getattr'"},
      {global("subprocess", "Popen") + command, "names 'subprocess.Popen'"},
      {global("torch", "load") + command, "names 'torch.load'"},
      {global("torch.hub", "load_state_dict_from_url") + command, "names 'torch.hub.load"},
      {global("runpy", "_run_code") + command, "names 'runpy._run_code'"},
      {global("torch.jit", "load") + command, "names 'torch.jit.load'"},
      {nested + global("os", "system") + command, "names 'os.system'"},
      {global("collections", "OrderedDict.__reduce__") + command,
       "names 'collections.OrderedDict.__reduce__'"},
      {global("torch.nn.modules.linear", "Linear") + ")\x81.", "names 'torch.nn.modules.linear"},
      {global("torch", "FloatStorage") + command, "calls 'torch.FloatStorage', which is no fun"},
      {global("torch", "FloatStorage") + ")\x81.", "would make an object of 'torch.FloatStorage'"},
      {"(" + text("x") + "ios\nsystem\n.", "would make an object of 'os.system'"},
      {"(" + global("collections", "OrderedDict") + "o.", "would make an object of 'collections"},
      {text("os.system") + ")R.", "calls something that is no name of a function"},
      {"N}b.", "sets the state of something that is no dictionary"},
      {"\x93.", "has the opcode 147"},
      {"\x82\x01.", "has the opcode 130"},
      {"\xff.", "has the opcode 255"},
      {"Pid\n.", "has the opcode 80"},
      {"\x80\x04.", "is of pickle protocol 4"},
  };
  for (const auto& attack : attacks) {
    CAPTURE(attack.name);
    check_refused(pth(attack.program), attack.name);
  }
  CHECK_FALSE(std::filesystem::exists("/tmp/lathe-was-here"));
}

TEST_CASE("pickles that are broken are refused by their byte") {
  struct {
    std::string program, part;
  } const cases[] = {
      {"", "the pickle ends inside an opcode"},
      {".", "takes a value from an empty stack"},
      {"X\xff\xff\xff\xff", "the pickle ends inside an opcode"},
      {"\x8b\xff\xff\xff\x7f", "the pickle ends inside an opcode"},
      {"cos", "the pickle ends inside a name"},
      {"h\1.", "asks for the value 1, which was not kept"},
      {"q\1.", "keeps a value of an empty stack"},
      {"Nr\xff\xff\xff\xff.", "keeps a value under the number 4294967295"},
      {"t.", "lacks the mark"},
      {"Na.", "expects a list to append to"},
      {"N(.", "takes a value from an empty stack"},
      {"N(u.", "expects a dictionary to set items of"},
      {"}(Nu.", "sets a key without a value"},
      {"NQ.", "has a persistent id that describes no storage"},
      {"(tQ.", "has a persistent id that describes no storage"},
      {global("torch._utils", "_rebuild_tensor_v2") + ")R.", "describes a tensor by other things"},
      {global("torch._utils", "_rebuild_parameter") + ")R.", "parameter of something that is no"},
      {global("collections", "OrderedDict") + "]Na\x85R.", "something else than pairs"},
      {"N.", "holds no tensors"},
      {std::string(400'000, ']') + ".", "more values than a file of this size needs"},
      {std::string(400'000, '(') + ".", "more values than a file of this size needs"},
      {"]q\1" + std::string(1, 'h') + "\1a.", "holds no tensors"},  // a list that holds itself
  };
  for (const auto& c : cases) {
    CAPTURE(c.part);
    check_refused(pth(c.program), c.part);
  }
  std::string laughs = "]q\1";  // each list holds the one before twice: 2^100 paths
  for (int i = 0; i < 100; ++i) laughs = laughs + "]q\2h\1ah\1aq\1";
  CHECK(refusal(pth(laughs + ".")) != "accepted");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "]";
  deep += tensor_program(k4, k0, k4 + "\x85", k1 + "\x85");
  deep.pop_back();
  for (int i = 0; i < 1000; ++i) deep += "a";
  check_refused(pth(deep + "."), "is nested more than 32 levels deep");
}

TEST_CASE("tensors that lie outside of their storage are refused") {
  const int64_t large = int64_t{1} << 62;
  const std::string four = k4 + "\x85", one = k1 + "\x85";
  CHECK_EQ(refusal(pth(tensor_program(k4, k0, four, one))), "accepted");
  struct {
    std::string program, part;
  } const cases[] = {
      {tensor_program("K\5", k0, four, one), "should have 5 elements, but has 16 bytes"},
      {tensor_program(huge(INT64_MAX), k0, four, one), "should have 9223372036854775807 elements"},
      {tensor_program(huge(-1), k0, four, one), "has a persistent id that describes no storage"},
      {tensor_program(k4, k1, four, one), "its shape has 4 elements, but only 3 are there"},
      {tensor_program(k4, "K\5", one, one), "begins at element 5 of a storage of 4"},
      {tensor_program(k4, huge(INT64_MIN), one, one), "begins at element -9223372036854775808"},
      {tensor_program(k4, huge(INT64_MAX), one, one), "begins at element 9223372036854775807"},
      {tensor_program(k4, k0, "K\2K\2\x86", "K\3K\1\x86"), "its strides reach element 4"},
      {tensor_program(k4, k0, "K\2\x85", huge(large) + "\x85"), "its strides reach element"},
      {tensor_program(k4, k0, "K\2\x85", huge(-1) + "\x85"), "has a negative extent or stride"},
      {tensor_program(k4, k0, huge(-4) + "\x85", one), "has a negative extent or stride"},
      {tensor_program(k4, k0, huge(large) + huge(large) + "\x86", k0 + k0 + "\x86"),
       "has a shape of more than 2^59 elements"},
      {tensor_program(k4, k0, huge(1 << 30) + "\x85", k0 + "\x85"), "its shape has 1073741824"},
      {tensor_program(k4, k0, four, k1 + k1 + "\x86"), "has 1 dimensions, but 2 strides"},
      {tensor_program(k4, k0, "(" + k1 + k1 + k1 + k1 + k1 + k1 + k1 + "t",
                      "(" + k1 + k1 + k1 + k1 + k1 + k1 + k1 + "t"),
       "has 7 dimensions"},
      {tensor_program(k4, k0, four, one, "7"), "lacks the elements of its storage '7'"},
      {tensor_program(k4, k0, four, one, "../0"), "lacks the elements of its storage '../0'"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.part);
    check_refused(pth(c.program), c.part);
  }
}

TEST_CASE("zip archives that lie are refused") {
  const std::string good = pth(tensor_program(k4, k0, k4 + "\x85", k1 + "\x85"));
  REQUIRE_EQ(refusal(good), "accepted");
  const size_t directory = directory_of(good), end64 = end64_of(good);
  const auto with = [&](size_t at, auto value) {
    std::string bytes = good;
    put(bytes, at, value);
    return bytes;
  };
  const size_t wide = directory + 46 + 10 + 4;  // sizes and place of the first entry, a/data.pkl
  const uint64_t most = UINT64_MAX;
  check_refused(with(end64 + 32, uint64_t{1000}), "cannot have 1000 entries");
  check_refused(with(end64 + 32, most), "cannot have 18446744073709551615 entries");
  check_refused(with(end64 + 40, most), "does not end where its end record begins");
  check_refused(with(end64 + 48, most), "does not end where its end record begins");
  check_refused(with(end64, 0), "its 64-bit end record is not at byte");
  check_refused(with(end_of(good) - 12, most), "its 64-bit end record is not at byte");
  check_refused(with(wide, most), "is stored in");
  check_refused(with(wide + 8, most), "but only");
  check_refused(with(wide + 16, most), "is not at byte 18446744073709551615");
  check_refused(with(wide + 16, uint64_t{8}), "is not at byte 8");
  check_refused(with(directory, 0), "expects entry 0 of the directory");
  check_refused(with(directory + 28, uint16_t{0xffff}), "reaches beyond the directory");
  check_refused(with(directory + 8, uint16_t{1}), "is encrypted");
  check_refused(with(directory + 10, uint16_t{12}), "is compressed by method 12");
  check_refused(with(directory + 10, uint16_t{8}), "is compressed in another way");
  check_refused(with(30, 'b'), "has another name at byte 0");
  check_refused(zip_of({{"a/data.pkl", "N."}, {"a/data.pkl", "N."}}), "is there twice");
  check_refused(zip_of({{"readme.txt", ""}}), "neither PyTorch's nor NumPy's (it has readme.txt)");
  check_refused("PK\5\6" + std::string(18, '\0'), "neither PyTorch's nor NumPy's (it is empty)");
  check_refused(zip_of({{"a/data.pkl", "N."}, {"a/code/x.py", ""}}), "is a TorchScript program");
  check_refused(zip_of({{"x.npy", "no array at all"}}), "is no array of NumPy");
  check_refused(zip_of({{"x.npy", ""}}), "ends inside the array's header");
  check_refused(zip_of({{"a/data.pkl", "N."}, {"a/byteorder", "big"}}), "big-endian machine");
  // Two entries over the same bytes: the second one's place is set to the first one's.
  std::string overlap = zip_of({{"a", "1"}, {"a", "1"}});
  put(overlap, directory_of(overlap) + 46 + 1 + 28 + 46 + 1 + 4 + 16, uint64_t{0});
  check_refused(overlap, "overlap");
}

TEST_CASE("a zip bomb is refused before it unpacks") {
  const std::string good = golden_bytes("arrays_compressed.npz");
  const size_t directory = good.find("PK\1\2");
  std::string bomb = good;
  put(bomb, directory + 24, uint32_t{0xfffffff0});
  check_refused(bomb, "taken for a zip bomb");
  bomb = good;
  put(bomb, directory + 24, uint32_t{1 << 20});
  check_refused(bomb, "is damaged: it does not unpack to the 1048576 bytes");
  bomb = good;
  put(bomb, directory + 16, uint32_t{1});
  check_refused(bomb, "its checksum is another");
}

TEST_CASE("arrays of NumPy that are none are refused") {
  const auto npy = [](const std::string& header, const std::string& elements = "") {
    return std::string("\x93NUMPY\1\0", 8) + char(header.size() & 255) + char(header.size() >> 8) +
           header + elements;
  };
  const auto fields = [&](const std::string& type, const std::string& shape,
                          const std::string& elements = "") {
    return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n",
               elements);
  };
  CHECK_EQ(refusal(fields("<f4", "(1,)", "abcd")), "accepted");
  CHECK_EQ(refusal(fields("<f4", "(1L, 1L)", "abcd")), "accepted");
  check_refused(fields("|O", "(1,)", "\x80\x02."), "holds Python objects");
  check_refused(fields("<c8", "(1,)"), "has elements of the type '<c8'");
  check_refused(fields("<f4", "(2,)", "abcd"), "its shape has 2 elements, but only 1 are there");
  check_refused(fields("<f4", "(1,)", "abcde"), "1 bytes follow the last element");
  check_refused(fields("<f4", "(9999999999999999999,)"), "a number of more than 63 bits");
  check_refused(fields("<f4", "(4611686018427387904, 4)"), "more than 2^59 elements");
  check_refused(fields("<f4", "(0, 9223372036854775807)"), "more than 2^59 elements");
  check_refused(fields("<f4", "(-1,)"), "its header is not the dictionary");
  check_refused(fields("<f4", "(1, 1, 1, 1, 1, 1, 1)", "abcd"), "has 7 dimensions");
  check_refused(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}"), "records");
  check_refused(npy("{'descr': '<f4', 'descr': '<f4'}"), "its header is not the dictionary");
  check_refused(npy("__import__('os').system('true')"), "its header is not the dictionary");
  check_refused(npy("{  "), "its header is not the dictionary");
  check_refused(npy("{}").substr(0, 11), "ends inside the array's header");
  check_refused(std::string("\x93NUMPY\4\0\0\0\0\0", 12), "is of version 4");
  check_refused(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12), "ends inside the array's header");
}

TEST_CASE("files that are something else are called what they are") {
  check_refused("", "is empty");
  check_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 102530333\n",
                "is a Git LFS pointer, not the file itself (which has 102530333 bytes)");
  check_refused("\n<!DOCTYPE html><html><body>404</body></html>", "is an HTML page");
  check_refused(std::string(257, 'a') + "ustar" + std::string(300, 'b'), "is a tar archive");
  check_refused("\x1f\x8b\x08", "is compressed by gzip");
  check_refused("\x80\x04K\1.", "is a Python pickle, but not one that torch.save wrote");
  check_refused("these are no weights\n", "is text, not a file of weights");
  check_refused("\xff\xfe\xfd", "is in none of the formats");
  check_refused("PK\3\4 and nothing more", "is a zip archive without its end");
}

TEST_CASE("no truncation of a file is read, and no bit flip crashes the reader") {
  const tests::ScratchFolder folder;
  const RandomStream random(2, Purpose::test);
  uint64_t draw = 0;
  for (const char* name : {"kinds.pth", "kinds_legacy.pth", "kinds_deflated.pth", "arrays.npz",
                           "arrays_compressed.npz", "version_2.npy"}) {
    CAPTURE(name);
    const std::string good = golden_bytes(name);
    int accepted = 0;
    const auto attempt = [&](const std::string& bytes) {
      try {
        for (const auto& [n, tensor] : read_weights(write_bytes(folder / "x", bytes)).tensors)
          tensor.clone();
        ++accepted;
      } catch (const Error& e) {
        CHECK_EQ(e.kind(), ErrorKind::data);
      }
    };
    for (size_t length = 0; length < good.size(); length += tests::slow_build ? 7 : 1)
      attempt(good.substr(0, length));
    CHECK_EQ(accepted, 0);
    for (int i = 0; i < (tests::slow_build ? 500 : 2000); ++i) {
      std::string bytes = good;
      for (uint64_t flips = 1 + random.below(draw++, 3); flips > 0; --flips) {
        const uint64_t at = random.below(draw++, bytes.size());
        bytes[at] ^= char(1 << random.below(draw++, 8));
      }
      attempt(bytes);
    }
  }
}
