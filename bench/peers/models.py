"""Steps of image models, training and inference of one picture, in Lathe and in its peers, in one run.

    python bench/peers/models.py build/default/bin/model_step [MODEL ...] [--batch 16] [--rounds 3]

Each program is a process of its own; windows alternate, on as many threads as there are cores. The
peers are at their best: PyTorch trains in channels_last with fused SGD and runs inference both ways
round, and ONNX Runtime has its optimised graph. All start from the same weights, and what they
compute must agree. Prints the least time of a step of each, peer / Lathe, and for training the most
memory that was resident; the exit code is 1 when results differ.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

MODELS = ["resnet50", "resnext50_32x4d", "inception_v3", "tf_efficientnetv2_m", "glem_cnn"]


def make_model(name):
    import torch
    from torch import nn
    torch.manual_seed(7)
    if name == "glem_cnn":
        model = nn.Module()
        layers, channels = [], 3
        for width, window in [(16, 3), (32, 3), (64, 5)]:
            layers += [nn.Conv2d(channels, width, window), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2)]
            channels = width
        model.layer = nn.Sequential(*layers, nn.Flatten(), nn.Linear(1600, 256))
        model.head = nn.Linear(256, 1)
        model.forward = lambda x: model.head(model.layer(x).relu()).squeeze(1)
        return model
    if name.startswith("tf_"):
        import timm
        return timm.create_model(name)
    import torchvision
    if name == "inception_v3":
        return torchvision.models.inception_v3(aux_logits=False, init_weights=False)
    return torchvision.models.get_model(name)


def picture_side(name, side):
    return side or {"glem_cnn": 64, "inception_v3": 299}.get(name, 224)


def write_start(path, name, batch, side):
    """Weights, a batch in channels_last, and labels, for all programs."""
    import torch
    from safetensors.torch import save_file
    model, side = make_model(name), picture_side(name, side)
    # Fresh running statistics would let inference's activations grow until nothing is comparable.
    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.momentum = 1
    with torch.no_grad():
        model.train()(torch.randn(2, 3, side, side))
    state = {"model." + k: v.contiguous() for k, v in model.state_dict().items()}
    state["inputs"] = torch.randn(batch, side, side, 3)
    labels = torch.arange(batch)
    state["labels"] = (labels % 2).float() if name == "glem_cnn" else labels
    save_file(state, path)


def make_torch(mode, name, path, layout):
    import torch
    from safetensors.torch import load_file
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = getattr(torch, layout)
    state = load_file(path)
    model = make_model(name)
    model.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("model.")})
    model = model.to(memory_format=layout)
    x = state["inputs"].permute(0, 3, 1, 2).contiguous(memory_format=layout)
    labels = state["labels"]
    del state
    if mode == "infer":
        model.eval()

        @torch.inference_mode()
        def infer():
            return model(x)
        return infer, lambda out: out.double().flatten().tolist()
    # A small rate: gradients of resnet50's first step from fresh weights are 2 to 3 % off f64's in
    # f32, in PyTorch and in Lathe alike, since ReLUs' arguments near 0 have another sign there.
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.9, fused=True)
    f = torch.nn.functional
    loss_of = f.binary_cross_entropy_with_logits if name == "glem_cnn" else f.cross_entropy

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()
    return train, lambda loss: [loss]


def make_onnx(name, path):
    import numpy
    import onnxruntime
    import torch
    from safetensors.torch import load_file
    state = load_file(path)
    model = make_model(name)
    model.load_state_dict({k[6:]: v for k, v in state.items() if k.startswith("model.")})
    x = state["inputs"].permute(0, 3, 1, 2).contiguous()
    torch.onnx.export(model.eval(), x, path + ".onnx", dynamo=False, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(path + ".onnx", options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x.numpy()}
    return lambda: session.run(None, feed)[0], lambda out: numpy.ravel(out).tolist()


def serve(kind, mode, name, path):
    """A peer as a process, answering as model_step does."""
    step, values = make_onnx(name, path) if kind == "onnx" else make_torch(mode, name, path, kind)
    for line in sys.stdin:
        command, *steps = line.split()
        answer = []
        if command == "peak":
            status = open("/proc/self/status").read()
            answer = [float(status.split("VmHWM:")[1].split()[0]) / 1e3]
        for _ in range(int(steps[0]) if steps else 0):
            begin = time.perf_counter()
            out = step()
            answer += [(time.perf_counter() - begin) * 1e6] if command == "times" else values(out)
        print("answer", *answer, flush=True)


class Program:
    def __init__(self, *command):
        self.name = " ".join(command)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def ask(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        while True:
            answer = self.process.stdout.readline()
            if not answer:
                sys.exit(f"{self.name} ended early")
            words = answer.removeprefix("answer").split()
            if answer.startswith("answer") or "model_step" in self.name:
                return [float(word) for word in words]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def agree(got, expected):
    size = max(abs(v) for v in expected)
    return max(abs(a - b) for a, b in zip(got, expected, strict=True)) / size


def compare(args, mode, name, path):
    write = [sys.executable, __file__, "--write", path, name]
    batch = 1 if mode == "infer" else args.batch or (32 if name == "glem_cnn" else 16)
    subprocess.run([*write, "--batch", str(batch), "--side", str(args.side)], check=True)
    kinds = ["channels_last"] + (["contiguous_format", "onnx"] if mode == "infer" else [])
    programs = {kind: Program(sys.executable, __file__, "--serve", kind, mode, name, path)
                for kind in kinds}
    programs["lathe"] = Program(args.program, mode, name, path)
    values = {kind: p.ask(f"values {1 if mode == 'infer' else 3}") for kind, p in programs.items()}
    random = mode == "train" and name == "glem_cnn"  # dropout's masks are each program's own
    error = 0 if random else agree(values["lathe"], values["channels_last"])
    times = {kind: [] for kind in programs}
    for _ in range(args.rounds):
        for kind, program in programs.items():
            times[kind] += program.ask(f"times {args.steps or (8 if mode == 'infer' else 2)}")
    least = {kind: min(t) / 1e3 for kind, t in times.items()}
    peaks = {kind: p.ask("peak")[0] for kind, p in programs.items()}
    for program in programs.values():
        program.end()
    torch_best = min(t for kind, t in least.items() if kind not in ("lathe", "onnx"))
    line = f"{mode} {name} B={batch}: " + "  ".join(f"{k} {t:.2f}" for k, t in least.items())
    line += f" ms | PyTorch / Lathe {torch_best / least['lathe']:.2f}"
    if "onnx" in least:
        line += f", ONNX Runtime / Lathe {least['onnx'] / least['lathe']:.2f}"
    else:
        line += f", memory Lathe {peaks['lathe']:.0f} MB / PyTorch {peaks['channels_last']:.0f} MB" \
                f" = {peaks['lathe'] / peaks['channels_last']:.2f}"
    print(line, f"| results differ by {error:.1e}", flush=True)
    return error < 1e-3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?", help="model_step of a build")
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--mode", choices=["train", "infer"], help="one of the two alone")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--side", type=int, default=0, help="pixels, where not the model's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=0, help="steps in a window")
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models:
            for mode in [args.mode] if args.mode else ["train", "infer"]:
                good &= compare(args, mode, name, os.path.join(folder, "start.safetensors"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        path, name, _, batch, _, side = sys.argv[2:]
        write_start(path, name, int(batch), int(side))
    elif sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
