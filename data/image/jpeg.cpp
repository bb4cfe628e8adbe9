// JPEG by libjpeg-turbo, with the settings that PIL leaves as they are: the accurate integer
// transform and smooth upsampling of colour. libjpeg reports an error by a function that must not
// return; it jumps back, so the methods below that call it own nothing that needs a destructor.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <jpeglib.h>
// Codes of messages; needs the headers above.
#include <jerror.h>

#include "data/image/codecs.h"
#include "tensor/check.h"

namespace lathe {
namespace image {
namespace {

constexpr int most_scans = 500;  // of a progressive file: each one costs a walk over all pixels

/// libjpeg's hook for errors, and the way back.
struct Trouble {
  jpeg_error_mgr hooks;
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr codec) {
  Trouble& trouble = *reinterpret_cast<Trouble*>(codec->err);
  trouble.hooks.format_message(codec, trouble.text);
  std::longjmp(trouble.back, 1);
}

/// Warnings after which pixels are made up. The others tell of oddities that change no pixel.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
      on_error(codec);
    default:
      return;
  }
}

void on_progress(j_common_ptr codec) {
  if (!codec->is_decompressor) return;
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= most_scans) return;
  Trouble& trouble = *reinterpret_cast<Trouble*>(codec->err);
  std::snprintf(trouble.text, sizeof trouble.text, "more than %d scans", most_scans);
  std::longjmp(trouble.back, 1);
}

void set_hooks(Trouble& trouble) {
  jpeg_std_error(&trouble.hooks);
  trouble.hooks.error_exit = on_error;
  trouble.hooks.emit_message = on_message;
}

class Reader {
 public:
  Reader(Bytes bytes, const std::string& name) : bytes_(bytes), name_(name) {
    set_hooks(trouble_);
    progress_.progress_monitor = on_progress;
    codec_.err = &trouble_.hooks;
  }
  ~Reader() { jpeg_destroy_decompress(&codec_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const jpeg_decompress_struct& header() {
    if (setjmp(trouble_.back)) damaged();
    jpeg_create_decompress(&codec_);
    codec_.progress = &progress_;
    jpeg_mem_src(&codec_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_save_markers(&codec_, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&codec_, TRUE);
    return codec_;
  }

  /// All rows, each of `stride` bytes: RGB, or the four inks of a file for printing.
  void read(uint8_t* to, size_t stride) {
    if (setjmp(trouble_.back)) damaged();
    codec_.out_color_space = codec_.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&codec_);
    while (codec_.output_scanline < codec_.output_height) {
      JSAMPROW row = to + codec_.output_scanline * stride;
      jpeg_read_scanlines(&codec_, &row, 1);
    }
    jpeg_finish_decompress(&codec_);
  }

 private:
  [[noreturn]] void damaged() {
    fail(ErrorKind::data, name_, ": expects a whole JPEG image, libjpeg says: ", trouble_.text);
  }

  Bytes bytes_;
  const std::string& name_;
  Trouble trouble_;
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct codec_ = {};
};

int orientation_of(const jpeg_decompress_struct& codec) {
  const std::string_view exif("Exif\0\0", 6), xmp("http://ns.adobe.com/xap/1.0/\0", 29);
  int from_exif = 0, from_xmp = 0;
  for (jpeg_saved_marker_ptr marker = codec.marker_list; marker; marker = marker->next) {
    const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    const std::string_view text(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (text.starts_with(exif) && !from_exif)
      from_exif = exif_orientation(data.subspan(exif.size()));
    if (text.starts_with(xmp) && !from_xmp) from_xmp = xmp_orientation(data.subspan(xmp.size()));
  }
  return from_exif ? from_exif : from_xmp;
}

/// a b / 255, rounded.
uint32_t times(uint32_t a, uint32_t b) {
  const uint32_t product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Files for printing keep their inks inverted, as Adobe's programs write them: PIL takes all so.
void inks_to_rgb(const ReusedVector<uint8_t>& inks, Image& image) {
  uint8_t* out = image.pixels.data();
  for (size_t i = 0; i < inks.size(); i += 4)
    for (int channel = 0; channel < 3; ++channel) {
      const uint32_t white = inks[i + 3];
      const int left = int(white) - int(times(255u - inks[i + channel], white));
      *out++ = uint8_t(left < 0 ? 0 : left);
    }
}

}  // namespace

Decoded decode_jpeg(Bytes bytes, const std::string& name, const ImageLimits& limits) {
  Reader reader(bytes, name);
  const jpeg_decompress_struct& header = reader.header();
  check_size(name, header.image_width, header.image_height, limits);
  const int components = header.num_components;
  if (components != 1 && components != 3 && components != 4)
    fail(ErrorKind::data, name, ": expects a JPEG image of 1, 3 or 4 channels, has ", components);
  Decoded result{Image(header.image_width, header.image_height), orientation_of(header)};
  if (components == 4) {
    ReusedVector<uint8_t> inks(result.image.pixels.size() / 3 * 4);
    reader.read(inks.data(), size_t(result.image.width) * 4);
    inks_to_rgb(inks, result.image);
  } else {
    reader.read(result.image.pixels.data(), size_t(result.image.width) * 3);
  }
  return result;
}

namespace {

class Writer {
 public:
  Writer() {
    set_hooks(trouble_);
    codec_.err = &trouble_.hooks;
  }
  ~Writer() {
    jpeg_destroy_compress(&codec_);
    std::free(bytes_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Bytes write(const Image& image, int quality) {
    if (setjmp(trouble_.back)) fail(ErrorKind::data, "encode_jpeg: ", trouble_.text);
    jpeg_create_compress(&codec_);
    jpeg_mem_dest(&codec_, &bytes_, &size_);
    codec_.image_width = JDIMENSION(image.width);
    codec_.image_height = JDIMENSION(image.height);
    codec_.input_components = 3;
    codec_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec_);
    jpeg_set_quality(&codec_, quality, TRUE);
    jpeg_start_compress(&codec_, TRUE);
    while (codec_.next_scanline < codec_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(image.row(codec_.next_scanline));
      jpeg_write_scanlines(&codec_, &row, 1);
    }
    jpeg_finish_compress(&codec_);
    return {reinterpret_cast<const std::byte*>(bytes_), size_};
  }

 private:
  Trouble trouble_;
  jpeg_compress_struct codec_ = {};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace
}  // namespace image

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  constexpr int64_t longest = JPEG_MAX_DIMENSION;
  LATHE_CHECK(quality >= 1 && quality <= 100, "encode_jpeg: expects a quality from 1 to 100, got ",
              quality);
  LATHE_CHECK(
      image.width >= 1 && image.height >= 1 && image.width <= longest && image.height <= longest,
      "encode_jpeg: expects sides from 1 to ", longest, ", got ", image.width, " x ", image.height);
  image::Writer writer;
  const image::Bytes bytes = writer.write(image, quality);
  return {bytes.begin(), bytes.end()};
}

}  // namespace lathe
