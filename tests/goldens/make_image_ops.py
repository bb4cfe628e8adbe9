"""Makes image_ops.json: pooling, resizing, channels and their gradients by PyTorch in f64, for small images that f32
holds exactly. Images stand here as Lathe has them, (N, H, W, C).

    pip install torch && python tests/goldens/make_image_ops.py
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(4)
torch.set_num_threads(1)
cases = []


def uniform(*shape, low=-2.0, high=2.0):
    return ((low + (high - low) * torch.rand(shape)) * 64).round().double() / 64  # short, and exact in f32


def last(x):
    return x.permute(0, 2, 3, 1) if x.dim() == 4 else x


def values(tensor):
    tensor = last(tensor.detach())
    return {"shape": list(tensor.shape), "values": [float(v) for v in tensor.flatten()]}


def case(op, function, *inputs, **options):
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    dy = uniform(*y.shape)
    y.backward(dy)
    cases.append({"op": op, "options": options, "inputs": [values(x) for x in inputs], "y": values(y),
                  "dy": values(dy), "gradients": [values(x.grad) for x in leaves]})


def pool_cases():
    for shape, kernel, stride, padding in [((2, 3, 7, 8), (3, 3), (2, 2), (1, 1)), ((1, 2, 6, 5), (2, 3), (2, 3), (0, 0)),
                                           ((1, 5, 8, 8), (3, 3), (1, 1), (1, 1)), ((2, 1, 9, 7), (5, 2), (3, 2), (2, 1)),
                                           ((1, 2, 5, 5), (2, 2), (3, 3), (0, 0)), ((1, 1, 3, 5), (3, 5), (3, 5), (0, 0)),
                                           ((1, 3, 7, 7), (3, 2), (2, 2), (0, 0))]:
        for ceil in [False, True]:
            options = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
            ties = (uniform(*shape, low=-3, high=3)).round()
            case("max_pool2d", lambda x: F.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil), ties, **options)
            for include in [False, True]:
                case("avg_pool2d", lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil, include), uniform(*shape),
                     **options, count_include_pad=include)


def resize_cases():
    for shape, size in [((2, 3, 5, 7), (3, 2)), ((1, 2, 3, 4), (7, 9)), ((1, 1, 65, 2), (110, 3)), ((1, 2, 4, 4), (4, 4)),
                        ((1, 2, 1, 5), (3, 1)), ((1, 1, 7, 6), (14, 12)), ((1, 2, 8, 8), (5, 8))]:
        case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, size), uniform(*shape), size=size)
        case("resize_nearest", lambda x: F.interpolate(x.contiguous(memory_format=torch.channels_last), size), uniform(*shape),
             size=size)
        for align in [False, True]:
            case("resize_bilinear", lambda x: F.interpolate(x, size, mode="bilinear", align_corners=align),
                 uniform(*shape), size=size, align_corners=align)


pool_cases()
resize_cases()
case("global_avg_pool", lambda x: x.mean((2, 3)), uniform(2, 5, 3, 4))
case("concat_channels", lambda *x: torch.cat(x, 1), uniform(2, 3, 2, 4), uniform(2, 1, 2, 4), uniform(2, 4, 2, 4))
case("slice_channels", lambda x: x[:, 2:5], uniform(2, 6, 3, 2))
case("scale_channels", lambda x, s: x * s[:, :, None, None], uniform(2, 5, 3, 4), uniform(2, 5))
case("flatten", lambda x: torch.flatten(x, 1), uniform(2, 3, 4, 5))


def squeeze_excite(x, w1, b1, w2, b2):  # timm.layers.SqueezeExcite
    return x * F.conv2d(F.silu(F.conv2d(x.mean((2, 3), keepdim=True), w1, b1)), w2, b2).sigmoid()


case("squeeze_excite", squeeze_excite, uniform(2, 6, 3, 4), uniform(3, 6, 1, 1), uniform(3), uniform(6, 3, 1, 1), uniform(6))
edges = torch.tensor([-4, -3, -2.5, 0, 0.25, 1, 2.75, 3, 4, 5.5, 6, 7], dtype=torch.float64)
# F.hardsigmoid's own gradient in f64 has a sixth that was rounded to f32.
for op, function in [("relu6", F.relu6), ("hardswish", F.hardswish), ("hardsigmoid", lambda x: F.relu6(x + 3) / 6)]:
    case(op, function, edges)

text = ",\n ".join(json.dumps(c) for c in cases)
pathlib.Path(__file__).with_name("image_ops.json").write_text(f"[{text}]\n")
