"""A training step of the landmark MLP, all of it, in PyTorch and in Lathe, in one run.

    python bench/peers/landmark_mlp.py build/default/bin/landmark_step [--rounds 5]

Windows of both alternate, on the same threads. PyTorch counts with its fastest of: default,
foreach and fused Adam, and a compiled forward and backward with fused Adam. The losses of 20 steps
from the same weights must agree. Prints minima and medians in ms, the ratios of the minima and of
the medians, and whether the goals are met; the exit code is 1 when one is not.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch

WIDTHS = [2176, 1088, 512, 256, 128, 1]
MODES = ["default", "foreach", "fused", "compile"]
DTYPES = {"f32": torch.float32, "f64": torch.float64}
TOLERANCE = {"f32": 1e-4, "f64": 1e-9}
# Of the fastest mode, and of default Adam where a goal is set for it.
GOALS = {("f32", 1): (2.2, 0), ("f64", 1): (2.2, 0), ("f32", 4): (2.0, 5.0), ("f64", 4): (1.5, 3.5),
         ("f32", 32): (1.4, 0), ("f64", 32): (1.4, 0)}


def make_model(dtype):
    torch.manual_seed(7)
    layers = []
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        layers.append(torch.nn.Linear(inputs, outputs))
        if i < 4:
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers).to(dtype)


def make_batch(dtype, batch):
    torch.manual_seed(8)
    return torch.randn(batch, WIDTHS[0], dtype=dtype), (torch.arange(batch) % 2).to(dtype)


def make_step(mode, dtype, batch):
    model, (x, y) = make_model(dtype), make_batch(dtype, batch)
    fused, foreach = mode in ("fused", "compile"), mode == "foreach"
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=fused, foreach=foreach)

    def loss_of():
        return torch.nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)

    forward = torch.compile(loss_of) if mode == "compile" else loss_of

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = forward()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def write_start(path, dtype, batch):
    """What the other program starts from: parameters, inputs, labels, raw."""
    tensors = [p.detach() for p in make_model(dtype).parameters()] + list(make_batch(dtype, batch))
    numpy.concatenate([t.numpy().ravel() for t in tensors]).tofile(path)


class Lathe:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("landmark_step ended early")
        return [float(word) for word in answer.split()]


def window(step, steps):
    for _ in range(3):
        step()
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        step()
        times.append((time.perf_counter() - begin) * 1e6)
    return times


def check_losses(lathe, name, batch, start):
    step = make_step("default", DTYPES[name], batch)
    expected = [step() for _ in range(20)]
    got = lathe.ask("losses", name, batch, 20, start)
    worst = max(abs(a - b) / abs(b) for a, b in zip(got, expected))
    print(f"{name} B={batch}: 20 losses agree to {worst:.1e}")
    return worst <= TOLERANCE[name]


def compare(lathe, name, batch, start, rounds, steps):
    """Alternating windows; prints a line and says whether the goals are met."""
    times = {mode: [] for mode in MODES + ["lathe"]}
    for mode in MODES:  # one model of PyTorch's in memory at a time
        step = make_step(mode, DTYPES[name], batch)
        for _ in range(rounds):
            times[mode] += window(step, steps)
            times["lathe"] += lathe.ask("window", name, batch, steps, start)
    least = {mode: min(t) / 1e3 for mode, t in times.items()}
    middle = {mode: statistics.median(t) / 1e3 for mode, t in times.items()}
    fastest = min(least[mode] for mode in MODES) / least["lathe"]
    usual = min(middle[mode] for mode in MODES) / middle["lathe"]
    default = least["default"] / least["lathe"]
    goal, default_goal = GOALS[name, batch]
    met = fastest >= goal and default >= default_goal
    shown = "  ".join(f"{mode} {least[mode]:.2f}/{middle[mode]:.2f}" for mode in times)
    print(f"{name} B={batch:2}: {shown} ms | fastest / lathe {fastest:.2f} (medians {usual:.2f}),"
          f" goal {goal}; default / lathe {default:.2f}" +
          (f", goal {default_goal}" if default_goal else "") + ("" if met else "  NOT MET"),
          flush=True)
    return met


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="landmark_step of a build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30, help="steps in a window")
    args = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; minimum/median of a step")
    lathe = Lathe(args.program)
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, batch in GOALS:
            start = os.path.join(folder, f"{name}_{batch}")
            write_start(start, DTYPES[name], batch)
            good &= check_losses(lathe, name, batch, start)
            good &= compare(lathe, name, batch, start, args.rounds, args.steps)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
