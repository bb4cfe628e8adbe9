"""Writes transforms.json: what the originals of Lathe's steps make of an image (pattern() of make_images.py), their
parameters fixed, and transform_draws.json: how the parameters that they draw are distributed.

  python make_transforms.py   (made with torchvision 0.29 on Pillow 13.0, albumentations 2.0.8 on OpenCV 5.0)

steps: [step as a recipe spells it, width, height, result]. A result is [width, height, zlib.crc32 of the bytes] where
Lathe's is the same, or [width, height, bytes in base64] where some bytes may differ by 1. Random steps are given ranges
of one number. functions: the same for functions whose parameters no step fixes.
draws: {what: [[value, share of 10,000 draws that are at most this value], ...]}.
"""

import base64, json, sys, warnings, zlib
from pathlib import Path

import albumentations as A
import albumentations.augmentations.blur.functional as ablur
import albumentations.augmentations.pixel.functional as apixel
import cv2
import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image
from torchvision.transforms import v2

from make_images import pattern, smooth

warnings.simplefilter("ignore")
FILTERS = {"nearest": T.InterpolationMode.NEAREST, "bilinear": T.InterpolationMode.BILINEAR,
           "bicubic": T.InterpolationMode.BICUBIC, "lanczos": T.InterpolationMode.LANCZOS,
           "area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
BORDERS = {"constant": cv2.BORDER_CONSTANT, "replicate": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT,
           "wrap": cv2.BORDER_WRAP, "reflect_101": cv2.BORDER_REFLECT_101}
ALBUMENTATIONS = ("PadIfNeeded", "ShiftScaleRotate", "RandomBrightnessContrast", "HueSaturationValue", "FancyPCA", "ToGray",
                  "GaussNoise", "GaussianBlur", "ImageCompression", "OneOf")


class IsotropicResize:
    """As the winners of the DFDC wrote it (selimsef/dfdc_deepfake_challenge)."""

    def __init__(self, max_side, interpolation_down=cv2.INTER_AREA, interpolation_up=cv2.INTER_CUBIC):
        self.side, self.down, self.up = max_side, interpolation_down, interpolation_up

    def __call__(self, image):
        pixels = np.asarray(image)
        height, width = pixels.shape[:2]
        if max(width, height) == self.side:
            return image
        scale = self.side / max(width, height)
        width, height = (self.side, height * scale) if width > height else (width * scale, self.side)
        out = cv2.resize(pixels, (int(width), int(height)), interpolation=self.up if scale > 1 else self.down)
        return Image.fromarray(out)


def tuples(value):
    return tuple(value) if isinstance(value, list) else value


def original(step):
    """The step as a function of a PIL image."""
    name = step["name"]
    given = {k: tuples(v) for k, v in step.items() if k != "name"}
    for key in ("interpolation", "interpolation_down", "interpolation_up"):
        if key in given:
            given[key] = FILTERS[given[key]]
    if name == "IsotropicResize":
        return IsotropicResize(**given)
    if name in ALBUMENTATIONS:
        given.setdefault("p", 1)
        if "border_mode" in given:
            given["border_mode"] = BORDERS[given["border_mode"]]
        made = getattr(A, name)(**given)
        return lambda image: Image.fromarray(made(image=np.asarray(image))["image"])
    if name == "CenterCrop":
        given.pop("pad_if_needed", None)
    if name in ("HorizontalFlip", "VerticalFlip"):
        name = "Random" + name
    return getattr(T, name)(**given)


# Those whose bytes are the same, and those of which a few may differ by 1.
SAME = [
    ({"name": "Resize", "size": 20}, 64, 48), ({"name": "Resize", "size": 20}, 33, 77),
    ({"name": "Resize", "size": [31, 17], "interpolation": "bicubic"}, 64, 48),
    ({"name": "Resize", "size": 20, "max_size": 24}, 64, 48), ({"name": "Resize", "size": 20, "max_size": 29}, 30, 90),
    ({"name": "Resize", "size": 48, "interpolation": "lanczos"}, 64, 48),
    ({"name": "CenterCrop", "size": 33}, 64, 48), ({"name": "CenterCrop", "size": [47, 21]}, 64, 48),
    ({"name": "CenterCrop", "size": [60, 41], "pad_if_needed": True}, 64, 47),
    ({"name": "CenterCrop", "size": 71, "pad_if_needed": True}, 64, 48),
    ({"name": "RandomCrop", "size": [54, 70], "padding": 3, "fill": [1, 2, 3]}, 64, 48),
    ({"name": "RandomCrop", "size": [54, 74], "padding": [5, 3], "padding_mode": "edge"}, 64, 48),
    ({"name": "RandomResizedCrop", "size": 24, "scale": [1, 1], "ratio": [1.25, 1.25]}, 60, 48),
    ({"name": "RandomResizedCrop", "size": [20, 30], "scale": [1, 1], "ratio": [0.5, 0.75]}, 60, 48),
    ({"name": "RandomResizedCrop", "size": 20, "scale": [1, 1], "ratio": [2, 3], "interpolation": "bicubic"}, 60, 48),
    ({"name": "Pad", "padding": 2}, 20, 9), ({"name": "Pad", "padding": [3, 5], "fill": 9}, 20, 9),
    ({"name": "Pad", "padding": [1, 2, 3, 4], "padding_mode": "edge"}, 20, 9),
    ({"name": "Pad", "padding": [1, 20, 25, 4], "padding_mode": "reflect"}, 20, 9),
    ({"name": "Pad", "padding": [1, 20, 25, 4], "padding_mode": "symmetric"}, 20, 9),
    ({"name": "HorizontalFlip", "p": 1}, 20, 9), ({"name": "VerticalFlip", "p": 1}, 20, 9),
    ({"name": "RandomHorizontalFlip", "p": 1}, 20, 9), ({"name": "RandomVerticalFlip", "p": 1}, 20, 9),
    ({"name": "ColorJitter", "brightness": [1.3, 1.3]}, 64, 24), ({"name": "ColorJitter", "contrast": [0.4, 0.4]}, 64, 24),
    ({"name": "ColorJitter", "saturation": [1.9, 1.9]}, 64, 24), ({"name": "ColorJitter", "hue": [-0.1, -0.1]}, 64, 24),
    ({"name": "RandomAffine", "degrees": [10, 10], "scale": [1.3, 1.3], "shear": [15, 15], "fill": 5}, 64, 48),
    ({"name": "RandomAffine", "degrees": 0, "shear": [5, 5, -7, -7], "interpolation": "bilinear"}, 64, 48),
    ({"name": "RandomAffine", "degrees": [-20, -20], "scale": [0.7, 0.7], "interpolation": "bilinear"}, 64, 48),
    *(({"name": "RandomRotation", "degrees": [d, d], "fill": [1, 2, 3]}, 64, 48) for d in (0, 33, -100.5, 180, 90)),
    ({"name": "RandomRotation", "degrees": [7, 7], "interpolation": "bilinear"}, 64, 48),
    ({"name": "RandomRotation", "degrees": [90, 90], "interpolation": "bilinear"}, 48, 48),
    ({"name": "PadIfNeeded", "min_height": 33, "min_width": 20}, 20, 20),
    ({"name": "PadIfNeeded", "min_height": 33, "min_width": 40, "position": "bottom_left", "fill": [7, 8, 9]}, 20, 20),
    ({"name": "PadIfNeeded", "min_height": 33, "min_width": 41, "position": "top_right", "border_mode": "wrap"}, 20, 20),
    ({"name": "PadIfNeeded", "min_height": None, "min_width": None, "pad_height_divisor": 16, "pad_width_divisor": 7,
      "border_mode": "reflect_101"}, 20, 21),
    ({"name": "PadIfNeeded", "min_height": 33, "min_width": 41, "border_mode": "reflect"}, 20, 21),
    ({"name": "RandomBrightnessContrast", "brightness_limit": [0.1, 0.1], "contrast_limit": [-0.2, -0.2]}, 64, 24),
    ({"name": "RandomBrightnessContrast", "brightness_limit": [-0.3, -0.3], "contrast_limit": [0.2, 0.2],
      "brightness_by_max": False}, 64, 24),
    ({"name": "RandomBrightnessContrast", "brightness_limit": [0.3, 0.3], "contrast_limit": [0.2, 0.2],
      "ensure_safe_range": True}, 64, 24),
    ({"name": "ToGray"}, 64, 24),
    ({"name": "GaussNoise", "std_range": [0, 0], "mean_range": [0.13, 0.13]}, 64, 24),
]
NEARLY = [
    *(({"name": "IsotropicResize", "max_side": side, "interpolation_down": down, "interpolation_up": up}, w, h)
      for side, down, up, w, h in ((32, "area", "cubic", 64, 41), (40, "area", "linear", 30, 41), (45, "area", "cubic", 40, 31),
                                   (23, "linear", "linear", 40, 33), (40, "area", "cubic", 40, 13))),
    ({"name": "ShiftScaleRotate", "shift_limit": [0.1, 0.1], "scale_limit": [0.2, 0.2], "rotate_limit": [5, 5]}, 64, 48),
    ({"name": "ShiftScaleRotate", "shift_limit_x": [-0.2, -0.2], "shift_limit_y": [0.07, 0.07], "scale_limit": [-0.3, -0.3],
      "rotate_limit": [-40, -40], "fill": 9, "border_mode": "constant"}, 49, 64),
    ({"name": "HueSaturationValue", "hue_shift_limit": [12, 12], "sat_shift_limit": [-20, -20], "val_shift_limit": [7.5, 7.5]},
     64, 24),
    *(({"name": "GaussianBlur", "sigma_limit": [s, s], "blur_limit": [k, k]}, 40, 24)
      for s, k in ((0.5, 0), (1.7, 0), (1.3, 3), (2.2, 6), (9, 0))),
    *(({"name": "ImageCompression", "quality_range": [q, q]}, w, h) for q, w, h in ((60, 37, 29), (93, 40, 24), (5, 31, 31), (100, 40, 24))),
    ({"name": "OneOf", "transforms": [{"name": "GaussianBlur", "sigma_limit": [2, 2]}]}, 40, 24),
]


def summary(image):
    return [image.width, image.height, zlib.crc32(image.tobytes())]


def whole(image):
    return [image.width, image.height, base64.b64encode(image.tobytes()).decode()]


def fixed_steps():
    rows = [[step, w, h, summary(original(step)(pattern(w, h)))] for step, w, h in SAME]
    for step, w, h in NEARLY:
        spelled = step if step["name"] != "OneOf" else {**step, "transforms": [original_member(m) for m in step["transforms"]]}
        rows.append([step, w, h, whole(original(spelled)(pattern(w, h)))])
    return rows


def original_member(step):
    return getattr(A, step["name"])(**{k: tuples(v) for k, v in step.items() if k != "name"}, p=1)


def functions():
    noise = np.array([(i * 7919 % 1013 - 506) * 0.11 for i in range(40 * 24 * 3)], dtype=np.float32)
    pixels = np.asarray(pattern(40, 24))
    cases = {"noise": summary(Image.fromarray(apixel.add_noise(pixels, noise.reshape(24, 40, 3))))}
    cases["fancy_pca"] = []
    eigh = np.linalg.eigh
    try:  # eigenvectors whose largest number is positive: LAPACK leaves their signs open
        np.linalg.eigh = lambda m: (lambda l, v: (l, v * np.sign(v[np.abs(v).argmax(0), range(3)])))(*eigh(m))
        for amounts in ([0.1, -0.2, 0.05], [-0.4, 0.3, 0.9], [3, -2, 5]):
            for image in (pattern(40, 24), smooth(40, 24)):
                out = apixel.fancy_pca(np.asarray(image), np.array(amounts, dtype=np.float32))
                cases["fancy_pca"].append([amounts, base64.b64encode(image.tobytes()).decode(), whole(Image.fromarray(out))])
    finally:
        np.linalg.eigh = eigh
    return {**cases, **mixed()}


def mixed():
    """Batches (4, 6, 5, 3) and their one-hot labels, mixed by torchvision."""
    batch = torch.tensor([(i * 7919 % 1013) / 1013 for i in range(4 * 6 * 5 * 3)], dtype=torch.float64)
    images = batch.reshape(4, 6, 5, 3).permute(0, 3, 1, 2)
    labels = torch.tensor([2, 0, 1, 1])
    lam, box = 0.3125, (1, 2, 4, 6)  # left, top, right, bottom
    results = {}
    for name, step, params in (("mixup", v2.MixUp(num_classes=3), {"lam": lam}),
                               ("cutmix", v2.CutMix(num_classes=3), {"box": box, "lam_adjusted": 1 - 3 * 4 / 30})):
        params = {"labels": labels, "batch_size": 4, **params}
        out = step.transform(images, params).permute(0, 2, 3, 1).reshape(-1)
        results[name] = {"inputs": out.tolist(), "labels": step.transform(labels, params).tolist()}
    return results


class Draws:
    """Columns of numbers by name; steps()[name]() draws one row of them."""

    def __init__(self):
        image, self.tensor = pattern(64, 48), torch.zeros(3, 48, 64)
        data, shape = {"image": np.asarray(image)}, {"shape": (48, 64, 3)}

        def made(name, **given):
            step = getattr(A, name)(**given, p=1)
            step.set_random_seed(1)
            return step

        crop = lambda p: {"y": p[0], "x": p[1], "height": p[2], "width": p[3]}
        jitter = T.ColorJitter(0.4, 0.3, 0.2, 0.1)
        affine = dict(degrees=[-10, 20], translate=[0.1, 0.2], scale_ranges=[0.8, 1.3], shears=[-5, 5, -9, 3])
        moved = made("ShiftScaleRotate", shift_limit=0.1, scale_limit=0.2, rotate_limit=5)
        light = made("RandomBrightnessContrast", brightness_limit=0.2, contrast_limit=(-0.1, 0.3))
        hsv, pca, noise = made("HueSaturationValue"), made("FancyPCA", alpha=0.1), made("GaussNoise", std_range=(0.05, 0.2))
        blur, packed = made("GaussianBlur", blur_limit=(3, 9)), made("ImageCompression", quality_range=(60, 100))
        one_of = A.OneOf([A.ToGray(p=0.5), A.HorizontalFlip(p=0.2), A.VerticalFlip(p=1)])
        one_of.set_random_seed(1)
        cut = v2.CutMix(alpha=1.0, num_classes=2)
        self.steps = {
            "RandomCrop": lambda: crop(T.RandomCrop.get_params(image, (31, 40))),
            "RandomResizedCrop": lambda: crop(T.RandomResizedCrop.get_params(image, (0.08, 1), (3 / 4, 4 / 3))),
            "RandomErasing": lambda: crop(T.RandomErasing.get_params(self.tensor, (0.02, 0.33), (0.3, 3.3), [0.0])),
            "ColorJitter": lambda: self.jitter(jitter.get_params(jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue)),
            "RandomAffine": lambda: self.affine(T.RandomAffine.get_params(**affine, img_size=[64, 48])),
            "RandomRotation": lambda: {"degrees": T.RandomRotation.get_params([-15.0, 15.0])},
            "ShiftScaleRotate": lambda: self.moved(moved, shape, data),
            "RandomBrightnessContrast": lambda: self.light(light.get_params_dependent_on_data(shape, data)),
            "HueSaturationValue": lambda: hsv.get_params(),
            "FancyPCA": lambda: dict(zip("abc", pca.get_params_dependent_on_data(shape, data)["alpha_vector"])),
            "GaussNoise": lambda: self.noise(noise),
            "GaussianBlur": lambda: self.blur(blur, shape, data),
            "ImageCompression": lambda: {"quality": packed.get_params()["quality"]},
            "OneOf": lambda: {"choice": one_of.random_generator.choice(3, p=one_of.transforms_ps)},
            "CutMix": lambda: self.cut(cut.make_params([torch.zeros(2, 3, 48, 64)])),
            **{f"MixUp {a}": (lambda m: lambda: m.make_params([]))(v2.MixUp(alpha=a, num_classes=2)) for a in (0.2, 1.0, 3.0)},
        }
        self.p = {n: getattr(A, n)(**g).p for n, g in (("PadIfNeeded", {}), ("ShiftScaleRotate", {}), ("RandomBrightnessContrast", {}),
                  ("HueSaturationValue", {}), ("FancyPCA", {}), ("ToGray", {}), ("GaussNoise", {}), ("GaussianBlur", {}),
                  ("ImageCompression", {}), ("HorizontalFlip", {}), ("VerticalFlip", {}))}
        self.p.update({"RandomErasing": T.RandomErasing().p, "RandomHorizontalFlip": T.RandomHorizontalFlip().p,
                       "RandomVerticalFlip": T.RandomVerticalFlip().p})

    def jitter(self, drawn):
        order, *amounts = drawn
        return {"order": int("".join(str(int(i)) for i in order), 4), **dict(zip(("brightness", "contrast", "saturation", "hue"), amounts))}

    def affine(self, drawn):
        degrees, (x, y), scale, (shear_x, shear_y) = drawn
        return {"degrees": degrees, "x": x, "y": y, "scale": scale, "shear_x": shear_x, "shear_y": shear_y}

    def moved(self, step, shape, data):
        drawn, shift = step.get_params_dependent_on_data(shape, data), step._get_translate_params((48, 64))
        scale = drawn["scale"]
        return {"degrees": drawn["rotate"], "x": shift["x"], "y": shift["y"], "scale_x": scale["x"], "scale_y": scale["y"],
                "scales": scale["x"] - scale["y"]}

    def light(self, drawn):
        return {"contrast": drawn["alpha"], "brightness": drawn["beta"] / 255}

    def noise(self, step):
        sampled = {}
        generate, apixel.generate_noise = apixel.generate_noise, lambda **given: sampled.update(given)
        step.get_params_dependent_on_data({}, {"image": np.zeros((1, 1, 3), np.uint8)})
        apixel.generate_noise = generate
        sampled["params"] = {"std_range": (1, 1), "mean_range": (0, 0)}
        return {"deviation": sampled_deviation(step), "normal": float(generate(**{**sampled, "max_value": 1})[0, 0, 1])}

    def blur(self, step, shape, data):
        drawn = {}
        kernel, ablur.create_gaussian_kernel_1d = ablur.create_gaussian_kernel_1d, lambda s, k: drawn.update(sigma=s, size=k)
        step.get_params_dependent_on_data(shape, data)
        ablur.create_gaussian_kernel_1d = kernel
        return drawn

    def cut(self, drawn):
        return {**dict(zip(("left", "top", "right", "bottom"), drawn["box"])), "share": drawn["lam_adjusted"]}


def sampled_deviation(step):
    return step.py_random.uniform(*step.std_range)


def distribution(values):
    values = np.sort(np.array(values, dtype=np.float64))
    points = np.unique(values)
    if len(points) > 64:
        points = np.unique([float(f"{v:.6g}") for v in values[np.linspace(0, len(values) - 1, 40).astype(int)]])
    return [[float(f"{v:.6g}"), round(float((values <= v).mean()), 4)] for v in points]


def drawn(count=10_000):
    torch.manual_seed(1)
    draws, result = Draws(), {}
    for name, step in draws.steps.items():
        rows = [step() for _ in range(count)]
        result[name] = {column: distribution([row[column] for row in rows]) for column in rows[0]}
    return {"p": draws.p, "draws": result}


if __name__ == "__main__":
    here = Path(__file__).parent
    golden = {"steps": fixed_steps(), "functions": functions()}
    (here / "transforms.json").write_text(json.dumps(golden, indent=0) + "\n")
    rows = json.dumps(drawn()).replace("}, ", "},\n")
    (here / "transform_draws.json").write_text(rows + "\n")
