// albumentations' ImageCompression: what is left of an image after JPEG.
#pragma once

#include "data/image/image.h"

namespace lathe {

/// Through JPEG of `quality` 1 to 100 and back. albumentations hands RGB to cv2.imencode, which
/// takes it for BGR: red and blue are swapped while compressed, so that colours lose what they
/// would lose the other way round. So here.
Image jpeg_compressed(const Image& image, int quality);

}  // namespace lathe
