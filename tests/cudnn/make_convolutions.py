"""Makes convolutions.txt: every convolution of the models, once for each shape, as PyTorch's own models run it.

    pip install torch torchvision timm && python tests/cudnn/make_convolutions.py

A line: model, how many of its layers have the shape, x (N, H, W, C), w (O, R, S, C / groups), strides, padding
(top, bottom, left, right), dilations, groups, and the activation that a folded layer would end with.
"""
import collections
import pathlib

import timm
import torch
import torchvision
from torch import nn

BATCH = 32


def same(extent, window, stride, dilation):
    """TensorFlow's padding `same`, the odd zero behind."""
    total = max(0, (-(-extent // stride) - 1) * stride + dilation * (window - 1) + 1 - extent)
    return total // 2, total - total // 2


def chain(*layers):
    """(out channels, window, padding) of convolutions, "pool" for 2x2 max pooling; from 3 or 1 channels."""
    modules, channels = [], layers[0]
    for layer in layers[1:]:
        if layer == "pool":
            modules.append(nn.MaxPool2d(2))
        else:
            out, window, padding = layer
            modules += [nn.Conv2d(channels, out, window, padding=padding), nn.ReLU()]
            channels = out
    return nn.Sequential(*modules)


def cifar(blocks):
    """akamaster's ResNets: shortcuts without weights (option A)."""
    modules, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False)], 16
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        for i in range(blocks):
            modules += [nn.Conv2d(channels, width, 3, stride if i == 0 else 1, 1, bias=False),
                        nn.Conv2d(width, width, 3, padding=1, bias=False)]
            channels = width
    return nn.Sequential(*modules)


TV = torchvision.models
MODELS = {
    "resnet18": (TV.resnet18, 224, "relu"), "resnet34": (TV.resnet34, 224, "relu"),
    "resnet50": (TV.resnet50, 224, "relu"), "resnet101": (TV.resnet101, 224, "relu"),
    "resnext50_32x4d": (TV.resnext50_32x4d, 224, "relu"),
    "inception_v3": (lambda: TV.inception_v3(init_weights=False, aux_logits=True), 299, "relu"),
    "tf_efficientnetv2_s": (lambda: timm.create_model("tf_efficientnetv2_s"), 224, "silu"),
    "tf_efficientnetv2_m": (lambda: timm.create_model("tf_efficientnetv2_m"), 224, "silu"),
    "efficientnet_lite0": (lambda: timm.create_model("tf_efficientnet_lite0"), 224, "relu6"),
    "cifar_resnet20": (lambda: cifar(3), 32, "relu"), "cifar_resnet56": (lambda: cifar(9), 32, "relu"),
    "lenet": (lambda: chain(1, (6, 5, 2), "pool", (16, 5, 0)), 28, "relu"),
    "face_cnn": (lambda: chain(3, (16, 3, 1), "pool", (32, 3, 1), "pool", (64, 3, 1)), 256, "relu"),
    "glem_cnn": (lambda: chain(3, (16, 3, 0), "pool", (32, 3, 0), "pool", (64, 5, 0)), 64, "relu"),
}


def convolutions(model, size, activation):
    found = collections.Counter()

    def note(layer, inputs, _):
        x, w = inputs[0].shape, layer.weight.shape
        stride, dilation = layer.stride, layer.dilation
        if type(layer).__name__ == "Conv2dSame":
            pads = [*same(x[2], w[2], stride[0], dilation[0]), *same(x[3], w[3], stride[1], dilation[1])]
        else:
            p = layer.padding
            assert not isinstance(p, str), layer
            pads = [p[0], p[0], p[1], p[1]]
        found[(BATCH, x[2], x[3], x[1], w[0], w[2], w[3], w[1], *stride, *pads, *dilation, layer.groups,
               activation)] += 1

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(note)
    channels = next(m for m in model.modules() if isinstance(m, nn.Conv2d)).in_channels
    model.train()  # for Inception's auxiliary head
    with torch.no_grad():
        model(torch.zeros(BATCH, channels, size, size, device="meta"))
    return found


torch.set_num_threads(1)
lines = []
for name, (make, size, activation) in MODELS.items():
    with torch.device("meta"):
        model = make()
    for shape, count in convolutions(model, size, activation).items():
        lines.append(" ".join(map(str, (name, count, *shape))))
pathlib.Path(__file__).with_name("convolutions.txt").write_text("\n".join(lines) + "\n")
print(len(lines), "shapes")
