"""Files of images to what a model is fed, on one core, in Lathe and in its peers, in one run.

    python bench/peers/images.py build/default/bin/bench_images SHARED_DATA [--count 300] [--rounds 5]

Read, decode, Resize 256 (bilinear), RandomCrop 224, HorizontalFlip, Normalize: by Pillow and torchvision, by OpenCV and
albumentations. Rounds alternate. Two sets: DFDC faces of 224x224, and photos of 500x375 that are made of the photos of
images/exif (quality 90). Prints the least milliseconds an image of each, and peer / Lathe.
"""
import argparse
import csv
import os
import subprocess
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"


def pillow_torchvision():
    import torch
    from PIL import Image
    from torchvision import transforms as T
    torch.set_num_threads(1)
    chain = T.Compose([T.Resize(256), T.RandomCrop(224), T.RandomHorizontalFlip(), T.ToTensor(),
                       T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    return lambda file: chain(Image.open(file).convert("RGB"))


def opencv_albumentations():
    import albumentations as A
    import cv2
    cv2.setNumThreads(1)
    chain = A.Compose([A.SmallestMaxSize(256), A.RandomCrop(224, 224), A.HorizontalFlip(), A.Normalize()])
    return lambda file: chain(image=cv2.cvtColor(cv2.imread(file), cv2.COLOR_BGR2RGB))["image"]


def make_photos(data, folder, count):
    from PIL import Image
    sources = [Image.open(f).convert("RGB") for f in sorted((data / "images" / "exif").glob("*.jpg"))]
    files = []
    for i in range(count):
        source = sources[i % len(sources)]
        left, top = i % 7 * source.width // 100, i % 5 * source.height // 100
        part = source.crop((left, top, source.width * 9 // 10 + left // 2, source.height * 9 // 10 + top // 2))
        files.append(str(folder / f"{i}.jpg"))
        part.resize((500, 375)).save(files[-1], quality=90)
    return files


def face_files(data, count):
    rows = csv.DictReader(open(data / "dfdc-faces" / "index.csv"))
    return [str(data / "dfdc-faces" / row["path"]) for row in rows][:count]


def measure(program, files, rounds, folder):
    listed = folder / "files.txt"
    listed.write_text("".join(f + "\n" for f in files))
    peers = {"Pillow + torchvision": pillow_torchvision(), "OpenCV + albumentations": opencv_albumentations()}
    least, shares = {}, ""
    for _ in range(rounds):
        out = subprocess.run([program, listed, "1"], capture_output=True, text=True, check=True).stdout.split()
        if float(out[0]) < least.get("Lathe", 1e30):
            least["Lathe"], shares = float(out[0]), f"decode {out[1]}, steps {out[2]}"
        for name, step in peers.items():
            start = time.perf_counter()
            for file in files:
                step(file)
            took = (time.perf_counter() - start) * 1000 / len(files)
            least[name] = min(took, least.get(name, 1e30))
    print(f"  Lathe {least['Lathe']:.3f} ms ({shares})")
    for name in peers:
        print(f"  {name} {least[name]:.3f} ms: {least[name] / least['Lathe']:.2f} times Lathe's")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, files in (("faces 224x224", face_files(given.data, given.count)),
                            ("photos 500x375", make_photos(given.data, folder, given.count))):
            print(name)
            measure(given.program, files, given.rounds, folder)
