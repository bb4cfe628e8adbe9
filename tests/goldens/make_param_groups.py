"""A few steps of torch.optim (torch 2.15) with parameter groups, schedules, an L1 penalty and clipping,
for tests/optim/groups_test.cpp: writes param_groups.json. The network is fc1 (3 to 4), ReLU, fc2 (4 to 2)."""
import json
import pathlib

import torch
from torch.optim import lr_scheduler as S

EPOCHS, STEPS = 3, 2
LOSSES = [1.0, 1.5, 2.0]  # what plateau is told
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
INITIAL = {"fc1.weight": torch.randn(4, 3), "fc1.bias": torch.randn(4), "fc2.weight": torch.randn(2, 4), "fc2.bias": torch.randn(2)}
INITIAL["fc1.weight"][1, 2] = 0.0  # the sign of 0
X, T = torch.randn(STEPS, 5, 3), torch.randn(STEPS, 5, 2)


def run(make_optimizer, make_schedule=None, l1=0.0, clip=0.0):
    w = {name: torch.nn.Parameter(value.clone()) for name, value in INITIAL.items()}
    optimizer = make_optimizer(w)
    schedule = make_schedule(optimizer) if make_schedule else None
    for epoch in range(EPOCHS):
        for step in range(STEPS):
            h = torch.relu(X[step] @ w["fc1.weight"].T + w["fc1.bias"])
            loss = torch.nn.functional.mse_loss(h @ w["fc2.weight"].T + w["fc2.bias"], T[step])
            loss = loss + l1 * sum(p.abs().sum() for p in w.values())
            optimizer.zero_grad()
            loss.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(w.values(), clip)
            optimizer.step()
        if schedule:
            schedule.step(LOSSES[epoch]) if isinstance(schedule, S.ReduceLROnPlateau) else schedule.step()
    return {name: p.detach().flatten().tolist() for name, p in w.items()}


def parts(w, names):
    return [w[n] for n in names], [p for n, p in w.items() if n not in names]


def sgd(w):
    fc2, rest = parts(w, ["fc2.weight", "fc2.bias"])
    return torch.optim.SGD([{"params": rest}, {"params": fc2, "lr": 0.05, "weight_decay": 0.0}], lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1)


def adamw(w):  # fc1 has a rate of its own, biases no decay
    return torch.optim.AdamW([{"params": [w["fc1.weight"]], "lr": 0.005}, {"params": [w["fc1.bias"]], "lr": 0.005, "weight_decay": 0.0},
                              {"params": [w["fc2.weight"]]}, {"params": [w["fc2.bias"]], "weight_decay": 0.0}], lr=0.02, weight_decay=0.1)


def adam(w):
    biases, rest = parts(w, ["fc1.bias", "fc2.bias"])
    return torch.optim.Adam([{"params": rest}, {"params": biases, "lr": 0.005, "weight_decay": 0.3}], lr=0.02)


def plain(w):
    return torch.optim.SGD(w.values(), lr=0.1)


golden = {
    "steps": STEPS, "losses": LOSSES, "initial": {n: v.flatten().tolist() for n, v in INITIAL.items()},
    "x": X.flatten().tolist(), "t": T.flatten().tolist(),
    "cases": [
        {"settings": ["optimizer.name=sgd", "optimizer.lr=0.1", "optimizer.momentum=0.9", "optimizer.nesterov=true", "optimizer.weight_decay=0.1",
                      "optimizer.groups=[{ match = ['fc2'], lr = 0.05, weight_decay = 0 }]", "schedule.name=step", "schedule.step_size=1", "schedule.gamma=0.5"],
         "groups": 2, "weights": run(sgd, lambda o: S.StepLR(o, 1, 0.5))},
        {"settings": ["optimizer.name=adamw", "optimizer.lr=0.02", "optimizer.weight_decay=0.1", "optimizer.decay_norm_and_bias=false",
                      "optimizer.groups=[{ match = ['fc1.*'], lr = 0.005 }]", "schedule.name=cosine", "schedule.min_lr=0.001"],
         "groups": 4, "weights": run(adamw, lambda o: S.CosineAnnealingLR(o, EPOCHS, 0.001))},
        {"settings": ["optimizer.name=adam", "optimizer.lr=0.02", "optimizer.groups=[{ match = ['*.bias'], lr = 0.005, weight_decay = 0.3 }]",
                      "schedule.name=plateau", "schedule.factor=0.5", "schedule.patience=0", "schedule.min_lr=0.004", "train.clip_norm=0.5"],
         "groups": 2, "weights": run(adam, lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=0.004), clip=0.5)},
        {"settings": ["optimizer.name=sgd", "optimizer.lr=0.1", "train.l1=0.03"], "groups": 1, "weights": run(plain, l1=0.03)},
        {"settings": ["optimizer.name=sgd", "optimizer.lr=0.1", "train.l1=0.3", "train.clip_norm=0.5"], "groups": 1,
         "weights": run(plain, l1=0.3, clip=0.5)},
    ],
}
pathlib.Path(__file__).with_name("param_groups.json").write_text(json.dumps(golden) + "\n")
