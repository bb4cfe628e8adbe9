"""How long PyTorch takes for an epoch of fine-tuning EfficientNet-Lite0's last six blocks on 224 px faces, to hold beside
the seconds that `lathe train` prints for the same work. The frozen batch norms are in evaluation for both.

    python bench/peers/finetune.py FOLDER [SAMPLES]     # FOLDER/fake, FOLDER/real; an epoch of SAMPLES, 4000

Needs torch, torchvision and efficientnet-lite-pytorch (pip install --no-deps). Twelve steps of 32 are timed, after two,
with the loader in this process and with two workers.
"""
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
import torchvision.transforms as T
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

torch.set_num_threads(2)
files = sorted(pathlib.Path(sys.argv[1]).glob("*/*.jpg"))
samples = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
trained = tuple(f"_blocks.{i}." for i in range(10, 16)) + ("_conv_head", "_bn1", "_fc")


class Faces(torch.utils.data.Dataset):
    change = T.Compose([T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize([0.498] * 3, [0.502] * 3)])

    def __len__(self):
        return len(files)

    def __getitem__(self, i):
        return self.change(Image.open(files[i]).convert("RGB")), float(files[i].parent.name == "real")


model = EfficientNet.from_name("efficientnet-lite0")
model._fc = torch.nn.Linear(1280, 1)
model = model.to(memory_format=torch.channels_last).train()
for name, parameter in model.named_parameters():
    parameter.requires_grad = name.startswith(trained)
for name, module in model.named_modules():
    if isinstance(module, torch.nn.BatchNorm2d) and not (name + ".").startswith(trained):
        module.eval()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-4)
for workers in (0, 2):
    batches = iter(torch.utils.data.DataLoader(Faces(), 32, shuffle=True, num_workers=workers))
    for step in range(14):
        if step == 2:
            start = time.time()
        x, y = next(batches)
        optimizer.zero_grad()
        logits = model(x.contiguous(memory_format=torch.channels_last)).squeeze(1)
        F.binary_cross_entropy_with_logits(logits, y.float()).backward()
        optimizer.step()
    print(f"{workers} workers: {samples * (time.time() - start) / (12 * 32):.1f} s for {samples} images")
