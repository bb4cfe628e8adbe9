"""The losses of 20 training steps of resnet18 in PyTorch, for tests/models/training_test.cpp: four batches of 8 images of
48 px in turn, ten classes, weights filled as in make_models.py.

    python make_model_training.py

writes model_training.json in a minute or two, and prints how far PyTorch's f32 is from its f64.
"""
import json
import pathlib

import torch
import torch.nn.functional as F
import torchvision
from make_models import fill, random

# f32 leaves f64 by chance, not by inexact sums: where a ReLU's argument is so near to 0 that f32 rounds it to the other
# sign, gradients change by 1e-3 to 2e-2 at once. Without such a sign all gradients of Lathe and of PyTorch in f32 are
# 6e-6 off; each met one in the first step of 2 or 3 of 10 starts, mostly not the same. Hence these rates, at which the
# losses stay within 1e-3. Largest distances of 20 losses from f64, over six starts, as geometric means and extremes:
#     SGD 0.001   PyTorch 3.4e-3 (1.0e-3 to 8.1e-3)   Lathe 4.0e-3 (1.3e-3 to 7.6e-3)
#     AdamW 1e-5  PyTorch 1.5e-4 (0.8e-4 to 2.4e-4)   Lathe 1.6e-4 (0.5e-4 to 2.7e-4)
# SGD at 0.0002: Lathe 3.2e-4, but with another row for convolutions 1.1e-3 in one start; at 0.0001 never above 4e-4.
optimizers = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.0001, momentum=0.9, weight_decay=1e-4),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-5, weight_decay=0.01),
}


def losses(make, dtype):
    model = torchvision.models.resnet18(num_classes=10).double()
    with torch.no_grad():
        fill(model)
    model.to(dtype).train()
    optimizer = make(model.parameters())
    out = []
    for step in range(20):
        x = random((8, 3, 48, 48), -1, 1, 2000 + step % 4).to(dtype)
        labels = torch.tensor([(3 * (step % 4) + i) % 10 for i in range(8)])
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
        out.append(loss.item())
    return out


golden = {name: losses(make, torch.float64) for name, make in optimizers.items()}
for name, make in optimizers.items():
    f32 = losses(make, torch.float32)
    print(name, max(abs(a / b - 1) for a, b in zip(f32, golden[name])), golden[name])
pathlib.Path(__file__).with_name("model_training.json").write_text(json.dumps(golden) + "\n")
