"""What PyTorch's models answer, for tests/models/parity_test.cpp. Both sides fill weights and inputs by the same
Philox formula, so the golden holds logits and, of each gradient and statistic, its norm and its product with a
Philox vector.

    python make_models.py [NAME…]

makes models.json anew, or in it only the models named. Needs torch, torchvision, timm and, for efficientnet_lite0,
efficientnet-lite-pytorch (which asks for an old torch: pip install --no-deps). All models take four minutes.
"""
import json
import pathlib
import sys
import zlib

import numpy as np
import philox
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

torch.set_num_threads(2)


def random(shape, low, high, index, op=0):
    return torch.from_numpy(np.asarray(philox.uniform(tuple(shape), low, high, 0, philox.PURPOSE_TEST, 0, index, op)))


def fill(model):
    """Tensor i of the state_dict from stream i: weights as He et al., norms so small that 60 blocks
    of residuals neither grow nor vanish."""
    for i, (name, t) in enumerate(model.state_dict().items()):
        if not t.is_floating_point():
            continue
        if t.dim() > 1:
            bound = (6 / t[0].numel()) ** 0.5
            low, high = -bound, bound
        elif name.endswith("running_var"):
            low, high = 0.5, 1.5
        elif name.endswith("weight"):
            low, high = 0.25, 0.75
        else:
            low, high = -0.2, 0.2
        t.copy_(random(t.shape, low, high, i))


def fingerprint(tensors):
    """Norm and product with a Philox vector of each tensor."""
    out = []
    for i, t in enumerate(tensors):
        v = random(t.shape, -1, 1, i, 1)
        out.append([float(t.norm()), float((t * v).sum())])
    return out


class Block(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, 1 if i == o else 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.extra = (o - i) // 2

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        e = self.extra
        return F.relu(h + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, e, e)) if e else x))


class Cifar(nn.Module):
    def __init__(self, depth):
        super().__init__()
        n = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16) for _ in range(n)])
        self.layer2 = nn.Sequential(*[Block(16 if i == 0 else 32, 32) for i in range(n)])
        self.layer3 = nn.Sequential(*[Block(32 if i == 0 else 64, 64) for i in range(n)])
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        h = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(h.mean((2, 3)))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.conv2(F.max_pool2d(F.relu(self.conv1(x)), 2))), 2)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(h.flatten(1))))))


class FaceCnn(nn.Module):
    def __init__(self, size, hidden=128, classes=1):
        super().__init__()
        layers = []
        for i, o in ((3, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        side = size // 8
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(64 * side * side, hidden), nn.ReLU(), nn.Dropout(),
                                        nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(self.features(x)).squeeze(1)


class SmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        for i, (c, o) in enumerate([(3, 16), (16, 32), (32, 64), (64, 128)], 1):
            setattr(self, f"conv{i}", nn.Conv2d(c, o, 3, padding=1, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(o))
        self.fc = nn.Linear(128, 2)

    def forward(self, x):
        for i in range(1, 5):
            x = F.max_pool2d(F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x))), 2)
        return self.fc(x.mean((2, 3)))


class GlemCnn(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for i, o, k in ((3, 16, 3), (16, 32, 3), (32, 64, 5)):
            layers += [nn.Conv2d(i, o, k), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout()]
        self.layer = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1600, 256))
        self.head = nn.Linear(256, 1)

    def forward(self, x):
        return self.head(F.relu(self.layer(x))).squeeze(1)


def case(name, model, shape, gradients=False, train=False, options=None):
    model = model.double()
    with torch.no_grad():
        fill(model)
    keys = "".join(f"{k} {list(t.shape)}\n" for k, t in model.state_dict().items())
    x = random(shape, -1, 1, 1000)
    out = {"model": name, "options": options or {}, "input": list(shape), "keys": zlib.crc32(keys.encode()),
           "tensors": len(model.state_dict()), "parameters": sum(p.numel() for p in model.parameters())}
    model.eval()
    with torch.no_grad():
        out["logits"] = model(x).flatten().tolist()[:64]
    if gradients:
        model.train(train)
        y = model(x)
        (y * random(y.shape, -1, 1, 1001)).sum().backward()
        out["train"] = train
        out["gradients"] = fingerprint([p.grad for p in model.parameters()])
        out["buffers"] = fingerprint([b.double() for b in model.buffers()])
    print(name, file=sys.stderr)
    return out


tv = torchvision.models


def inception(**options):
    return tv.inception_v3(init_weights=False, **options)


def with_head(model, hidden, classes):
    model.fc = nn.Sequential(nn.Linear(model.fc.in_features, hidden), nn.ReLU(), nn.Linear(hidden, classes))
    return model


def lite0():
    from efficientnet_lite_pytorch import EfficientNet
    return EfficientNet.from_name("efficientnet-lite0", dropout_rate=0, drop_connect_rate=0)


one, two, step = (1, 3, 64, 64), (2, 3, 64, 64), {"gradients": True, "train": True}
no_dropout = {"options": {"dropout": "0"}}
cases = [
    ("resnet18", lambda: tv.resnet18(), two, step),
    ("resnet34", lambda: tv.resnet34(), one, {}),
    ("resnet50", lambda: tv.resnet50(), two, step),
    ("resnet101", lambda: tv.resnet101(), one, {}),
    ("resnext50_32x4d", lambda: tv.resnext50_32x4d(), two, step),
    ("resnet20", lambda: Cifar(20), (2, 3, 32, 32), step),
    ("resnet32", lambda: Cifar(32), (1, 3, 32, 32), {}),
    ("resnet44", lambda: Cifar(44), (1, 3, 32, 32), {}),
    ("resnet56", lambda: Cifar(56), (1, 3, 32, 32), {}),
    ("lenet", lambda: LeNet(), (2, 1, 28, 28), {"gradients": True}),
    ("face_cnn", lambda: FaceCnn(64), two, {"gradients": True, "options": {"image_size": "64"}}),
    ("small_cnn", lambda: SmallCnn(), two, step),
    ("glem_cnn", lambda: GlemCnn(), two, {"gradients": True}),
    ("inception_v3", lambda: inception(aux_logits=False, dropout=0), (2, 3, 75, 75), step | no_dropout),
    ("inception_v3", lambda: with_head(inception(num_classes=2, transform_input=True), 1024, 2), (1, 3, 80, 75),
     {"options": {"aux_logits": "true", "transform_input": "true", "head": "[1024]", "num_classes": "2"}}),
    ("tf_efficientnetv2_m", lambda: timm.create_model("tf_efficientnetv2_m"), two, step),
    ("tf_efficientnetv2_s", lambda: timm.create_model("tf_efficientnetv2_s", num_classes=1), (1, 3, 65, 47),
     {"options": {"num_classes": "1"}}),
    ("efficientnet_lite0", lite0, two, step | {"options": {"dropout": "0", "drop_path": "0"}}),
    ("inception_v3.AuxLogits", lambda: tv.inception.InceptionAux(768, 1000), (2, 768, 17, 17), step),
]


def main(names):
    path = pathlib.Path(__file__).with_name("models.json")
    old = json.loads(path.read_text()) if names else []
    made = []
    for name, make, shape, more in cases:
        kept = [g for g in old if g["model"] == name and g["options"] == more.get("options", {})]
        made.append(kept[0] if kept and name not in names else case(name, make(), shape, **more))
    path.write_text(json.dumps(made) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
