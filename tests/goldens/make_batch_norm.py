"""Makes batch_norm.json: three steps of torch.nn.BatchNorm2d in training, then one in evaluation, each with its
gradients, by PyTorch in f64 on inputs that f32 holds exactly. Images are written as (N, H, W, C).

    pip install torch && python tests/goldens/make_batch_norm.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(4)
shape, channels = (2, 3, 2, 2), 3  # (N, C, H, W)


def values(tensor):
    tensor = tensor.detach()
    tensor = tensor.permute(0, 2, 3, 1) if tensor.dim() == 4 else tensor
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def uniform(*shape, low=-2.0, high=2.0):
    return (low + (high - low) * torch.rand(shape)).double()  # f32 first: f32 holds these numbers


def case(name, f, residual, mean):
    norm = torch.nn.BatchNorm2d(channels, eps=1e-3, momentum=0.2).double()
    norm.weight.data, norm.bias.data = uniform(channels), uniform(channels)
    start = {"weight": values(norm.weight), "bias": values(norm.bias)}
    steps = []
    for step in range(4):
        norm.train(step < 3)
        x = uniform(*shape, low=mean - 2, high=mean + 1).requires_grad_()
        r = uniform(*shape).requires_grad_() if residual else None
        norm.zero_grad()
        y = f(norm(x) + r if residual else norm(x))
        dy = uniform(*shape)
        y.backward(dy)
        steps.append({"x": values(x), "dy": values(dy), "y": values(y), "dx": values(x.grad),
                      "dweight": values(norm.weight.grad), "dbias": values(norm.bias.grad),
                      "running_mean": values(norm.running_mean), "running_var": values(norm.running_var),
                      "batches": int(norm.num_batches_tracked)})
        if residual:
            steps[-1] |= {"residual": values(r), "dresidual": values(r.grad)}
    return {"f": name, **start, "steps": steps}


cases = [case(name, f, residual, mean) for name, f in
         [("none", lambda x: x), ("relu", F.relu), ("relu6", F.relu6), ("silu", F.silu)]
         for residual in (False, True) for mean in (0.5, 100)]
text = ",\n ".join(json.dumps(c) for c in cases)
pathlib.Path(__file__).with_name("batch_norm.json").write_text(f"[{text}]\n")
