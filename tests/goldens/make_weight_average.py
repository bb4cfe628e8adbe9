"""What timm 1.0's ModelEmaV3 and ModelEmaV2 make of a small network's weights, for tests/train/weight_average_test.cpp: writes
weight_average.json. A convolution (2 to 3, 1x1), a batch norm and three steps of SGD, averaged after each."""
import json
import pathlib

import torch
from timm.utils import ModelEmaV2, ModelEmaV3

DECAY, STEPS = 0.9, 3
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))


def state(module):
    return {name: value.flatten().tolist() for name, value in module.state_dict().items()}


golden = {"decay": DECAY, "shapes": {name: list(value.shape) for name, value in model.state_dict().items()}, "initial": state(model), "steps": []}
first, second = ModelEmaV2(model, DECAY), ModelEmaV3(model, DECAY)
told = ModelEmaV3(model, DECAY)  # the number of the step, as timm's train.py does
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(STEPS):
    loss = (model(torch.randn(2, 2, 3, 3)) - 0.5).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    first.update(model)
    second.update(model)
    told.update(model, step=step + 1)
    golden["steps"].append({"weights": state(model), "v2": state(first.module), "v3": state(second.module), "v3_by_step": state(told.module)})
pathlib.Path(__file__).with_name("weight_average.json").write_text(json.dumps(golden) + "\n")
