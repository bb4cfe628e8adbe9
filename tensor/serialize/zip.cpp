#include "tensor/serialize/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "tensor/check.h"

namespace lathe {
namespace {

constexpr uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50,
                   end_signature = 0x06054b50, end64_signature = 0x06064b50,
                   locator_signature = 0x07064b50;
constexpr size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, end64_bytes = 56,
                 locator_bytes = 20;
constexpr uint64_t inflate_floor = 16 << 20, inflate_ratio = 100;
constexpr uint32_t in_extra32 = 0xffffffff;  // "the 64-bit record says it"
constexpr uint16_t in_extra16 = 0xffff;

template <class T>
T number(std::string_view bytes, uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

uint32_t checksum(std::string_view bytes, uint32_t before = 0) {
  if (bytes.empty()) return before;  // zlib takes no bytes at no address for a new beginning
  return uint32_t(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// The 64-bit record among the extra fields; empty when there is none.
std::string_view zip64_record(std::string_view extra) {
  while (extra.size() >= 4) {
    const size_t size = number<uint16_t>(extra, 2);
    if (size > extra.size() - 4) return {};
    if (number<uint16_t>(extra, 0) == 1) return extra.substr(4, size);
    extra.remove_prefix(4 + size);
  }
  return {};
}

}  // namespace

ZipArchive::ZipArchive(std::string file, std::shared_ptr<const MappedFile> mapped)
    : file_(std::move(file)), mapped_(std::move(mapped)), bytes_(mapped_->text()) {
  read_directory(find_directory());
  refuse_overlaps();
  by_name_.resize(entries_.size());
  for (size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = uint32_t(i);
  std::sort(by_name_.begin(), by_name_.end(),
            [&](uint32_t a, uint32_t b) { return entries_[a].name < entries_[b].name; });
  for (size_t i = 1; i < by_name_.size(); ++i)
    if (entries_[by_name_[i]].name == entries_[by_name_[i - 1]].name)
      fail(ErrorKind::data, file_, ": zip: the entry '", entries_[by_name_[i]].name,
           "' is there twice");
}

/// The directory's place, from the record at the file's end (behind which a comment may stand), or
/// from its 64-bit twin in front of it.
ZipArchive::Directory ZipArchive::find_directory() const {
  const uint64_t total = bytes_.size();
  uint64_t end = total;
  const uint64_t first = total > end_bytes + 0xffff ? total - end_bytes - 0xffff : 0;
  for (uint64_t at = total >= end_bytes ? total - end_bytes + 1 : 0; at-- > first;)
    if (number<uint32_t>(bytes_, at) == end_signature &&
        number<uint16_t>(bytes_, at + 20) == total - at - end_bytes) {
      end = at;
      break;
    }
  if (end == total)
    fail(ErrorKind::data, file_, ": is a zip archive without its end (", total,
         " bytes are there): the file was cut off, by a download that broke for example");
  Directory directory{number<uint32_t>(bytes_, end + 16), number<uint32_t>(bytes_, end + 12),
                      number<uint16_t>(bytes_, end + 10)};
  uint64_t behind = end;
  const bool has64 = end >= locator_bytes + end64_bytes &&
                     number<uint32_t>(bytes_, end - locator_bytes) == locator_signature;
  if (has64) {
    behind = number<uint64_t>(bytes_, end - locator_bytes + 8);
    if (behind > end - locator_bytes - end64_bytes ||
        number<uint32_t>(bytes_, behind) != end64_signature)
      fail(ErrorKind::data, file_, ": zip: its 64-bit end record is not at byte ", behind,
           ", where it should be");
    directory = {number<uint64_t>(bytes_, behind + 48), number<uint64_t>(bytes_, behind + 40),
                 number<uint64_t>(bytes_, behind + 32)};
  }
  if (directory.offset > behind || directory.size != behind - directory.offset)
    fail(ErrorKind::data, file_, ": zip: its directory of ", directory.size, " bytes at byte ",
         directory.offset, " does not end where its end record begins, at byte ", behind);
  if (directory.count > directory.size / central_bytes)
    fail(ErrorKind::data, file_, ": zip: a directory of ", directory.size, " bytes cannot have ",
         directory.count, " entries");
  return directory;
}

void ZipArchive::read_directory(const Directory& directory) {
  const uint64_t end = directory.offset + directory.size;
  uint64_t at = directory.offset;
  entries_.reserve(directory.count);
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (end - at < central_bytes || number<uint32_t>(bytes_, at) != central_signature)
      fail(ErrorKind::data, file_, ": zip: byte ", at, ": expects entry ", i, " of the directory");
    const uint64_t name = number<uint16_t>(bytes_, at + 28),
                   extra = number<uint16_t>(bytes_, at + 30),
                   comment = number<uint16_t>(bytes_, at + 32);
    if (name + extra + comment > end - at - central_bytes)
      fail(ErrorKind::data, file_, ": zip: byte ", at, ": entry ", i,
           " reaches beyond the directory");
    ZipEntry entry{.name = bytes_.substr(at + central_bytes, name)};
    const auto flags = number<uint16_t>(bytes_, at + 8), method = number<uint16_t>(bytes_, at + 10);
    if (flags & 1) fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' is encrypted");
    if (method != 0 && method != 8)
      fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' is compressed by method ",
           method, "; stored and deflated ones are read");
    entry.deflated = method == 8;
    entry.crc = number<uint32_t>(bytes_, at + 16);
    entry.packed = number<uint32_t>(bytes_, at + 20);
    entry.size = number<uint32_t>(bytes_, at + 24);
    entry.header = number<uint32_t>(bytes_, at + 42);
    std::string_view wide = zip64_record(bytes_.substr(at + central_bytes + name, extra));
    for (uint64_t* value : {&entry.size, &entry.packed, &entry.header}) {
      if (*value != in_extra32 || wide.size() < 8) continue;
      *value = number<uint64_t>(wide, 0);
      wide.remove_prefix(8);
    }
    locate(entry, directory.offset);
    entries_.push_back(entry);
    at += central_bytes + name + extra + comment;
  }
  if (at != end)
    fail(ErrorKind::data, file_, ": zip: byte ", at, ": ", end - at,
         " bytes of the directory belong to no entry");
}

/// Finds an entry's bytes behind its local header, all of which lies before `end`.
void ZipArchive::locate(ZipEntry& entry, uint64_t end) const {
  if (end < local_bytes || entry.header > end - local_bytes ||
      number<uint32_t>(bytes_, entry.header) != local_signature)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' is not at byte ",
         entry.header, ", where the directory has it");
  const uint64_t name = number<uint16_t>(bytes_, entry.header + 26),
                 extra = number<uint16_t>(bytes_, entry.header + 28);
  if (name + extra > end - entry.header - local_bytes ||
      bytes_.substr(entry.header + local_bytes, name) != entry.name)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' has another name at byte ",
         entry.header);
  if ((number<uint16_t>(bytes_, entry.header + 8) == 8) != entry.deflated)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name,
         "' is compressed in another way than the directory says");
  entry.offset = entry.header + local_bytes + name + extra;
  if (entry.packed > end - entry.offset)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' has ", entry.packed,
         " bytes by the directory, but only ", end - entry.offset, " are there");
  if (!entry.deflated && entry.packed != entry.size)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' is stored in ", entry.packed,
         " bytes, but should have ", entry.size);
}

void ZipArchive::refuse_overlaps() {
  std::vector<const ZipEntry*> order;
  for (const ZipEntry& entry : entries_) order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i]->header < order[i - 1]->offset + order[i - 1]->packed)
      fail(ErrorKind::data, file_, ": zip: the entries '", order[i - 1]->name, "' and '",
           order[i]->name, "' overlap");
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [&](uint32_t i, std::string_view wanted) { return entries_[i].name < wanted; });
  if (found == by_name_.end() || entries_[*found].name != name) return nullptr;
  return &entries_[*found];
}

std::shared_ptr<Storage> ZipArchive::read(const ZipEntry& entry) {
  if (entry.deflated) return inflated(entry);
  return std::make_shared<Storage>(mapped_->bytes().data() + entry.offset, int64_t(entry.size),
                                   Device::cpu, std::const_pointer_cast<MappedFile>(mapped_));
}

std::shared_ptr<Storage> ZipArchive::inflated(const ZipEntry& entry) {
  const uint64_t most = std::max<uint64_t>(inflate_floor, bytes_.size() * inflate_ratio);
  if (entry.size > most - inflated_)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name, "' would unpack ", entry.packed,
         " bytes to ", entry.size, ": taken for a zip bomb (limit: ", inflate_ratio,
         " times the file, or 16 MB)");
  inflated_ += entry.size;
  auto storage = std::make_shared<Storage>(int64_t(std::max<uint64_t>(entry.size, 1)), Device::cpu);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    fail(ErrorKind::device, file_, ": zlib cannot start");
  // zlib counts in 32 bits: both ends move in pieces.
  constexpr uint64_t piece = 1 << 30;
  uint64_t in = 0, out = 0;
  int result = Z_OK;
  while (result == Z_OK) {
    const uint64_t give = std::min(piece, entry.packed - in),
                   take = std::min(piece, entry.size - out);
    stream.next_in =
        const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes_.data() + entry.offset + in));
    stream.avail_in = uInt(give);
    stream.next_out = reinterpret_cast<Bytef*>(storage->data()) + out;
    stream.avail_out = uInt(take);
    result = ::inflate(&stream, Z_NO_FLUSH);
    in += give - stream.avail_in;
    out += take - stream.avail_out;
  }
  inflateEnd(&stream);
  const std::string_view text(reinterpret_cast<const char*>(storage->data()), entry.size);
  if (result != Z_STREAM_END || in != entry.packed || out != entry.size)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name,
         "' is damaged: it does not unpack to the ", entry.size, " bytes that it should have");
  if (checksum(text) != entry.crc)
    fail(ErrorKind::data, file_, ": zip: the entry '", entry.name,
         "' is damaged: its checksum is another");
  return storage;
}

namespace {
template <class... T>
std::string packed(T... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
  return bytes;
}
constexpr uint16_t version = 45;  // "needs 64-bit records"
constexpr uint16_t utf8_names = 1 << 11;
constexpr uint16_t date = 1 << 5 | 1;  // 1 January 1980: the same input gives the same bytes
}  // namespace

void ZipWriter::put(std::string_view bytes) {
  file_.write(bytes);
  at_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::string_view head, std::string_view body) {
  const uint64_t size = head.size() + body.size();
  const uint32_t crc = checksum(body, checksum(head));
  written_.push_back({name, at_, size, crc});
  // The 64-bit record, then PyTorch's own "FB" field, whose Z bring the entry to a multiple of 64.
  const uint64_t begin = at_ + local_bytes + name.size() + 20 + 4;
  const auto padding = uint16_t((64 - begin % 64) % 64);
  put(packed(local_signature, version, utf8_names, uint16_t(0), uint16_t(0), date, crc, in_extra32,
             in_extra32, uint16_t(name.size()), uint16_t(20 + 4 + padding)) +
      name + packed(uint16_t(1), uint16_t(16), size, size) + "FB" + packed(padding) +
      std::string(padding, 'Z'));
  put(head);
  put(body);
}

void ZipWriter::finish() {
  const uint64_t begin = at_, count = written_.size();
  for (const Written& w : written_)
    put(packed(central_signature, version, version, utf8_names, uint16_t(0), uint16_t(0), date,
               w.crc, in_extra32, in_extra32, uint16_t(w.name.size()), uint16_t(28), uint16_t(0),
               uint16_t(0), uint16_t(0), uint32_t(0), in_extra32) +
        w.name + packed(uint16_t(1), uint16_t(24), w.size, w.size, w.header));
  const uint64_t size = at_ - begin, end = at_;
  put(packed(end64_signature, uint64_t(end64_bytes - 12), version, version, uint32_t(0),
             uint32_t(0), count, count, size, begin) +
      packed(locator_signature, uint32_t(0), end, uint32_t(1)) +
      packed(end_signature, uint16_t(0), uint16_t(0), in_extra16, in_extra16, in_extra32,
             in_extra32, uint16_t(0)));
}

}  // namespace lathe
