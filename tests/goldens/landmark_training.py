"""PyTorch's losses over 20 epochs of the landmark MLP on real landmarks, written to landmark_training.json.

Usage: python landmark_training.py FOLDER_OF_CSVS     (train.csv, train_labels.csv, valid.csv, valid_labels.csv)
Weights begin with Philox numbers (philox.py), batches of 4 in the file's order, so that Lathe can do the same.
"""
import csv
import json
import math
import pathlib
import sys

import torch

import philox

SIZES = [2176, 1088, 512, 256, 128, 1]


def read(folder, split):
    rows = [list(map(float, r[1:])) for r in list(csv.reader(open(folder / f"{split}.csv")))[1:]]
    labels = [int(r[1]) for r in list(csv.reader(open(folder / f"{split}_labels.csv")))[1:]]
    return torch.tensor(rows, dtype=torch.float64).reshape(len(labels), -1), torch.tensor(labels, dtype=torch.float64)


def build(dtype):
    layers = []
    for i, (inputs, outputs) in enumerate(zip(SIZES, SIZES[1:])):
        layer = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
        bound = 1 / math.sqrt(inputs)
        with torch.no_grad():
            for j, p in enumerate([layer.weight, layer.bias]):
                p.copy_(torch.from_numpy(philox.uniform(tuple(p.shape), -bound, bound, 0, philox.PURPOSE_TEST, 0, 2 * i + j)))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).to(dtype)


def optimizer(name, parameters):
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name](parameters, lr=1e-5)


def train(folder, name, dtype):
    (x, y), (vx, vy) = ((a.to(dtype), b.to(dtype)) for a, b in (read(folder, "train"), read(folder, "valid")))
    model = build(dtype)
    step = optimizer(name, model.parameters())
    loss_of = torch.nn.BCEWithLogitsLoss()
    history = []
    for _ in range(20):
        total = 0.0
        for i in range(0, len(x), 4):
            step.zero_grad()
            loss = loss_of(model(x[i : i + 4]).reshape(-1), y[i : i + 4])
            loss.backward()
            step.step()
            total += loss.item() * len(x[i : i + 4])
        with torch.no_grad():
            history.append([total / len(x), loss_of(model(vx).reshape(-1), vy).item()])
    return history


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    result = {f"{name}_{short}": train(folder, name, dtype) for name in ["adam", "adamw", "sgd"]
              for short, dtype in [("f64", torch.float64), ("f32", torch.float32)]}
    result["torch"] = torch.__version__.split("+")[0]
    pathlib.Path(__file__).with_name("landmark_training.json").write_text(json.dumps(result, indent=1) + "\n")
