"""Writes images.json: what PIL makes of image files, and how PIL resizes, as checksums (zlib.crc32 of the RGB bytes);
what torchvision 0.29 (on PIL) and albumentations 2.0.8 make of colours; and how OpenCV resizes and shifts HSV, as the
bytes themselves, since some may differ by 1.

  python make_images.py ../../../shared/data   (made with Pillow 13.0, libjpeg-turbo 3.2, OpenCV 5.0, Python 3.11)

files: small images made here, whole, in base64. real: files of the shared data by name, none of whose content is kept;
null where PIL refuses the file. resize: PIL's results on an image that a formula makes (pattern() here and in the test).
"""

import base64, csv, io, json, sys, warnings, zlib
from pathlib import Path

import albucore
import albumentations.augmentations.pixel.functional as albumentations
import cv2
import numpy as np
import torchvision.transforms.functional as torchvision
from PIL import Image, ImageOps

warnings.simplefilter("ignore")
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def pattern(width, height):
    x, y, c = np.meshgrid(np.arange(width), np.arange(height), np.arange(3), indexing="xy")
    values = (x * x * 3 + y * y * 5 + x * y * 7 * (c + 1) + c * 60) >> 3
    return Image.fromarray((values & 255).astype(np.uint8))


def smooth(width, height):
    x, y, c = np.meshgrid(np.arange(width), np.arange(height), np.arange(3), indexing="xy")
    return Image.fromarray((127 + 90 * np.sin(x / (7 + c)) * np.cos(y / 9) + (x * y % 5)).astype(np.uint8))


def rgb(file):
    image = Image.open(file)
    if image.mode.startswith("I"):  # 16-bit grey, which PIL's convert("RGB") would clip: the high byte
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)).convert("RGB")
    return ImageOps.exif_transpose(image).convert("RGB")


def check(image):
    return [image.width, image.height, zlib.crc32(image.tobytes())]


def made_files():
    files, image = {}, smooth(37, 29)

    def add(name, picture, format, **options):
        out = io.BytesIO()
        picture.save(out, format, **options)
        files[name] = out.getvalue()

    for subsampling in (0, 1, 2):
        add(f"jpeg subsampling {subsampling}", image, "JPEG", quality=85, subsampling=subsampling)
    add("jpeg progressive", image, "JPEG", progressive=True)
    add("jpeg grey", image.convert("L"), "JPEG")
    add("jpeg cmyk", image.convert("CMYK"), "JPEG")
    add("jpeg restart", image, "JPEG", restart_marker_blocks=2)
    add("jpeg 1x1", image.crop((3, 3, 4, 4)), "JPEG")
    for orientation in range(0, 10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"jpeg orientation {orientation}", image, "JPEG", exif=exif)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    add("jpeg orientation by xmp", image, "JPEG", xmp=xmp)
    exif = Image.Exif()
    exif[0x0112] = 8
    add("png orientation", image, "PNG", exif=exif)
    for format in ("PNG", "BMP"):
        for mode in ("1", "L", "RGB", "RGBA"):
            add(f"{format.lower()} {mode}", image.convert(mode), format)
        add(f"{format.lower()} palette", image.quantize(200), format)
        add(f"{format.lower()} 1x1", image.crop((3, 3, 4, 4)), format)
    add("png palette 4 bits", image.quantize(11), "PNG", bits=4)
    add("png palette with transparency", image.quantize(11), "PNG", transparency=3)
    add("png grey and alpha", image.convert("LA"), "PNG")
    add("png 16 bits", Image.fromarray((np.arange(37 * 29).reshape(29, 37) * 61 % 65536).astype(np.uint16)), "PNG")
    refused = {}
    files, kept = refused, files
    add("a GIF", image, "GIF")
    add("a WebP", image, "WEBP")
    add("a TIFF", image, "TIFF")
    add("moves", image, "PNG", save_all=True, append_images=[image.rotate(90)])
    return kept, refused


def result_or_none(file):
    try:
        return check(rgb(file))
    except Exception:
        return None


def real_files(data):
    files = [f for f in sorted((data / "images").rglob("*")) if f.suffix in (".jpg", ".jpeg", ".png")]
    faces = [row["path"] for row in csv.DictReader(open(data / "dfdc-faces" / "index.csv"))]
    files += [data / "dfdc-faces" / face for face in sorted(faces)[:: len(faces) // 200][:200]]
    return {str(f.relative_to(data)): result_or_none(f) for f in files}


def resized():
    cases = []
    sizes = [(37, 29, 37, 29), (37, 29, 64, 50), (64, 48, 23, 17), (64, 48, 64, 20), (64, 48, 31, 48), (1, 1, 5, 3), (5, 7, 1, 1)]
    sizes += [(200, 150, 9, 7), (3, 300, 7, 11), (224, 224, 256, 256), (500, 375, 341, 256), (256, 256, 128, 128)]
    for width, height, to_width, to_height in sizes:
        for name, filter in FILTERS.items():
            out = pattern(width, height).resize((to_width, to_height), filter)
            cases.append([width, height, name, *check(out)])
    return cases


def resized_by_opencv():
    filters = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
    sizes = [(64, 48, 32, 24), (63, 48, 21, 24), (64, 48, 23, 17), (37, 29, 64, 50), (64, 48, 20, 61), (1, 1, 5, 3), (5, 7, 1, 1)]
    cases = []
    for width, height, to_width, to_height in sizes:
        for name, filter in filters.items():
            out = cv2.resize(np.asarray(pattern(width, height)), (to_width, to_height), interpolation=filter)
            cases.append([width, height, name, to_width, to_height, base64.b64encode(out.tobytes()).decode()])
    return cases


def recoloured():
    image = pattern(64, 24)
    pixels, cases = np.asarray(image), []
    for factor in (0, 0.3, 0.77, 1, 1.3, 2.9):
        cases.append(["brightness", [factor], check(torchvision.adjust_brightness(image, factor))])
        cases.append(["contrast", [factor], check(torchvision.adjust_contrast(image, factor))])
        cases.append(["saturation", [factor], check(torchvision.adjust_saturation(image, factor))])
    for shift in (-0.5, -0.1, 0, 0.033, 0.25, 0.5):
        cases.append(["hue", [shift], check(torchvision.adjust_hue(image, shift))])
    gray = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    cases.append(["gray", [], check(Image.fromarray(gray))])
    for change in ([1.2, 12.75], [0.8, -40.3], [1, 20], [1.13, 0]):
        cases.append(["brightness_contrast", change, check(Image.fromarray(albucore.multiply_add(pixels, *change)))])
    for shift in ([10, 20, -15], [-13.7, 0, 0], [0, -25.5, 7.5], [20, -30, 20], [-20, 30.9, -20]):
        cases.append(["hsv", shift, base64.b64encode(albumentations.shift_hsv(pixels, *shift).tobytes()).decode()])
    return cases


def moved():
    image, fill = pattern(64, 48), (7, 8, 9)
    pixels, looked_up, warped = np.asarray(image), [], []
    for case in ([10, [0, 0], 1, [0, 0]], [-7.3, [3, -5], 1.4, [15, 0]], [0, [0, 0], 1.7, [0, 0]], [0, [5, 2], 1, [0, 0]],
                 [33, [0, 0], 2, [-9, 4]], [0, [0, 0], 0.5, [0, 0]], [180, [0, 0], 1, [0, 0]]):
        looked_up.append([*case, check(torchvision.affine(image, *case, fill=fill))])
    for degrees, scale, x, y in ((5, 1.1, 3.3, -5.2), (-3, 0.85, 0, 0), (0, 1, 3.5, 2.25), (30, 1, 0, 0), (0, 1.2, 0, 0)):
        map = cv2.getRotationMatrix2D((31.5, 23.5), degrees, scale) + [[0, 0, x], [0, 0, y]]
        out = cv2.warpAffine(pixels, map, (64, 48), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
        warped.append([map.ravel().tolist(), base64.b64encode(out.tobytes()).decode()])
    return {"lookup": looked_up, "warp": warped}


if __name__ == "__main__":
    made, refused = made_files()
    golden = {
        "files": {n: {"bytes": base64.b64encode(b).decode(), "rgb": check(rgb(io.BytesIO(b)))} for n, b in made.items()},
        "refused": {n: base64.b64encode(b).decode() for n, b in refused.items()},
        "real": real_files(Path(sys.argv[1])),
        "resize": resized(),
        "resize by opencv": resized_by_opencv(),
        "colour": recoloured(),
        "affine": moved(),
    }
    Path(__file__).with_name("images.json").write_text(json.dumps(golden, indent=0) + "\n")
