"""Makes ops.json: results and gradients of ops by PyTorch in f64, for small inputs that f32 holds exactly.

    pip install torch && python tests/goldens/make_ops.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(3)
cases = []


def values(tensor):
    return {"shape": list(tensor.shape), "values": tensor.detach().flatten().tolist()}


def uniform(*shape, low=-2.0, high=2.0):
    return (low + (high - low) * torch.rand(shape)).double()  # f32 first: f32 holds these numbers


def case(name, function, *inputs, integers=()):
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves, *integers)
    dy = uniform(*y.shape)
    y.backward(dy)
    cases.append({"op": name, "inputs": [values(x) for x in inputs], "integers": [values(x) for x in integers],
                  "y": values(y), "dy": values(dy), "gradients": [values(x.grad) for x in leaves]})


x = uniform(3, 7, low=-6, high=6)
for name, function in [
    ("relu", F.relu), ("leaky_relu", lambda x: F.leaky_relu(x, 0.2)), ("sigmoid", torch.sigmoid), ("tanh", torch.tanh),
    ("silu", F.silu), ("gelu", F.gelu), ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")), ("exp", torch.exp),
    ("square", torch.square), ("abs", torch.abs), ("neg", torch.neg), ("add_number", lambda x: x + 0.25),
    ("mul_number", lambda x: x * -1.5),
]:
    case(name, function, x)
case("log", torch.log, uniform(3, 7, low=0.05, high=6))
case("sqrt", torch.sqrt, uniform(3, 7, low=0.05, high=6))
for name, function in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)]:
    for shape in [(2, 3, 5), (3, 5), (5,)]:
        case(name, function, uniform(2, 3, 5), uniform(*shape, low=0.5, high=2))
case("flatten", lambda x: torch.flatten(x, 1), uniform(2, 3, 4))

for name, function in [("sum", torch.sum), ("mean", torch.mean), ("max", torch.max)]:
    case(name, function, uniform(4, 5))
case("sum_last", lambda x: x.sum(-1), uniform(4, 5))
case("mean_first", lambda x: x.mean(0), uniform(4, 5))
case("max_last", lambda x: x.amax(-1), uniform(4, 5))
case("matmul", torch.matmul, uniform(4, 6), uniform(6, 5))
case("matmul_transposed", lambda a, b: a @ b.T, uniform(4, 6), uniform(5, 6))
case("matmul_batched", torch.matmul, uniform(3, 4, 6), uniform(3, 6, 5))

logits, labels = uniform(6, 5, low=-4, high=4), torch.tensor([0, 4, 2, 2, 1, 3])
case("cross_entropy", F.cross_entropy, logits, integers=[labels])
case("cross_entropy_smoothed", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), logits, integers=[labels])
weights = torch.tensor([0.5, 1, 2, 1, 0.25], dtype=torch.float64)
case("cross_entropy_weighted", lambda x, t: F.cross_entropy(x, t, weight=weights, label_smoothing=0.1), logits,
     integers=[labels])
zeros_and_ones = torch.tensor([0, 1, 1, 0, 1])
for name, weight in [("bce", 1.0), ("bce_weighted", 2.5)]:
    case(name, lambda x, t: F.binary_cross_entropy_with_logits(x, t.double(), pos_weight=torch.tensor(weight)),
         uniform(5, low=-8, high=8), integers=[zeros_and_ones])
case("mse", F.mse_loss, uniform(3, 4), uniform(3, 4))
for name, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
    case(name, lambda x: function(x, -1), uniform(2, 3, 7, low=-6, high=6))
    case(name, lambda x: function(x, -1), uniform(3, 5, low=-100, high=100))  # exp alone would overflow in f32

text = ",\n ".join(json.dumps(c) for c in cases)
pathlib.Path(__file__).with_name("ops.json").write_text(f"[{text}]\n")
