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

# Rates at which 20 steps of f32 stay near f64. With SGD at 0.001 PyTorch's own f32 is 6e-4 off and Lathe's 2e-3; at
# 0.0004 they are 4e-4 and 1.2e-3 off. (Images of 32 px at 0.01: PyTorch's is 80 % off.)
optimizers = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.0002, momentum=0.9, weight_decay=1e-4),
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
