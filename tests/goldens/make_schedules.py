"""Learning rates by torch.optim.lr_scheduler (torch 2.15), for tests/optim/schedule_test.cpp: writes schedules.json."""
import json
import pathlib

import torch
from torch.optim import lr_scheduler as S

EPOCHS, STEPS, LR = 12, 5, 0.2
LOSSES = [1.0, 0.9, 0.91, 0.89999, 0.95, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86]


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def by_epoch(make, values=None):
    o = optimizer()
    s = make(o)
    rates = []
    for epoch in range(EPOCHS):
        rates.append(o.param_groups[0]["lr"])
        o.step()
        s.step(values[epoch]) if values else s.step()
    return rates


def by_step(make):
    o = optimizer()
    s = make(o)
    rates = []
    for _ in range(EPOCHS * STEPS):
        rates.append(o.param_groups[0]["lr"])
        o.step()
        if len(rates) < EPOCHS * STEPS:
            s.step()
    return rates


golden = {
    "epochs": EPOCHS, "steps": STEPS, "lr": LR, "losses": LOSSES,
    "step": by_epoch(lambda o: S.StepLR(o, 5, 0.3)),
    "multistep": by_epoch(lambda o: S.MultiStepLR(o, [2, 7, 7], 0.5)),
    "cosine": by_epoch(lambda o: S.CosineAnnealingLR(o, EPOCHS, 0.01)),
    "plateau": by_epoch(lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=1, min_lr=0.03), LOSSES),
    "plateau_max": by_epoch(lambda o: S.ReduceLROnPlateau(o, mode="max", factor=0.1, patience=2, cooldown=2, threshold=0.01), LOSSES),
    "one_cycle": by_step(lambda o: S.OneCycleLR(o, LR, epochs=EPOCHS, steps_per_epoch=STEPS)),
}
pathlib.Path(__file__).with_name("schedules.json").write_text(json.dumps(golden) + "\n")
