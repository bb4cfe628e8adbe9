"""Small files of PyTorch 2.15 and NumPy in weights/, and weights.json: for these and for the real files of the shared
data, what PyTorch and NumPy read in them: name, dtype, shape and CRC-32 of each tensor's elements in row-major order.
Usage: make_weights.py SHARED_DATA_FOLDER"""
import json
import os
import sys
import zipfile
import zlib

import numpy as np
import torch
from safetensors.torch import load_file

here = os.path.dirname(os.path.abspath(__file__))
data = sys.argv[1]
kinds = {torch.float32: "F32", torch.float64: "F64", torch.bfloat16: "BF16", torch.float16: "F16",
         torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8"}
wider = {torch.bool: torch.uint8, torch.int8: torch.int32, torch.int16: torch.int32,
         torch.uint16: torch.int32, torch.uint32: torch.int64}


def line(name, tensor):
    tensor = tensor.detach().to(wider.get(tensor.dtype, tensor.dtype)).contiguous()
    crc = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().tobytes()) if tensor.numel() else 0
    return [name, kinds[tensor.dtype], list(tensor.shape), crc]


def read_pth(file, key=None, prefix=""):
    tensors = torch.load(file, weights_only=True, map_location="cpu")
    tensors = tensors[key] if key else tensors
    return [line(name[len(prefix):], t) for name, t in tensors.items()]


def read_numpy(file):
    content = np.load(file)
    arrays = content if hasattr(content, "files") else {os.path.splitext(os.path.basename(file))[0]: content}
    native = lambda a: torch.from_numpy(np.ascontiguousarray(a).astype(a.dtype.newbyteorder("=")).reshape(a.shape))
    return [line(name, native(arrays[name])) for name in arrays]


def make():
    torch.manual_seed(1)
    base = torch.randn(4, 6)
    model = {
        "f32": torch.randn(2, 3), "f64": torch.randn(5, dtype=torch.float64), "f16": torch.randn(3).half(),
        "bf16": torch.randn(3).bfloat16(), "i64": torch.tensor([-1, 2**40]), "i32": torch.tensor([[7, -8]], dtype=torch.int32),
        "u8": torch.tensor([0, 255], dtype=torch.uint8), "bool": torch.tensor([True, False, True]),
        "i8": torch.tensor([-128, 127], dtype=torch.int8), "i16": torch.tensor([-32768, 5], dtype=torch.int16),
        "scalar": torch.tensor(2.5), "empty": torch.zeros(3, 0, 2), "transposed": base.t(), "columns": base[:, 1:4],
        "rows": base[1:3], "every_second": base.view(-1)[::2], "tied": base, "parameter": torch.nn.Parameter(torch.randn(2)),
        "channels_last": torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last), "näme": torch.ones(1),
    }
    checkpoint = {"epoch": 7, "lr": 0.5, "arch": "tiny", "done": False, "model": {"module." + k: v for k, v in model.items()},
                  "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}}
    torch.save(checkpoint, f"{here}/weights/kinds.pth")
    torch.save(checkpoint, f"{here}/weights/kinds_legacy.pth", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(f"{here}/weights/kinds.pth") as stored, \
            zipfile.ZipFile(f"{here}/weights/kinds_deflated.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in stored.infolist():
            packed.writestr(entry.filename, stored.read(entry))
    arrays = {"c": np.arange(6, dtype="<f4").reshape(2, 3), "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
              "big": np.arange(5, dtype=">f8"), "big_i2": np.array([-2, 300], dtype=">i2"), "half": np.arange(3, dtype="<f2"),
              "bool": np.array([True, False]), "i1": np.array([-3], dtype="i1"), "u2": np.array([65535], dtype="<u2"),
              "u4": np.array([2**32 - 1], dtype="<u4"), "scalar": np.array(3, dtype="<i8"), "empty": np.zeros((0, 2), dtype="<i4")}
    np.savez(f"{here}/weights/arrays.npz", **arrays)
    np.savez_compressed(f"{here}/weights/arrays_compressed.npz", **arrays)
    for version in (2, 3):
        with open(f"{here}/weights/version_{version}.npy", "wb") as file:
            np.lib.format.write_array(file, np.asfortranarray(np.arange(6, dtype=">i4").reshape(3, 2)), version=(version, 0))


make()
own = f"{here}/weights/"
result = {"own": {}, "shared": {}}
for name in ("kinds.pth", "kinds_legacy.pth", "kinds_deflated.pth"):
    result["own"][name] = read_pth(own + "kinds.pth", "model", "module.")
for name in ("arrays.npz", "arrays_compressed.npz", "version_2.npy", "version_3.npy"):
    result["own"][name] = read_numpy(own + name)
for name, key, prefix in (
        ("efficientnet-lite0-57934424.pth", None, ""), ("fortran_tensor_3d.pth", None, ""),
        ("mobilenetV1X0.25_pretrain.tar", "state_dict", "module."), ("pnet.pt", None, ""), ("rnet.pt", None, ""),
        ("resnet20-12fca82f.th", "state_dict", "module."), ("test.pt", None, ""),
        ("test_with_key.pt", "model_state_dict", "")):
    result["shared"]["checkpoints/" + name] = read_pth(f"{data}/checkpoints/{name}", key, prefix)
for name in ("g1.pth", "g2.pth"):
    result["shared"]["lrnet/weights/" + name] = read_pth(f"{data}/lrnet/weights/{name}")
jfk = "checkpoints/jfk-codes.safetensors"
result["shared"][jfk] = [line(k, v) for k, v in load_file(f"{data}/{jfk}").items()]
for name in ("SRM_Kernels.npy", "iris.npy", "test.npy", "test.npz"):
    result["shared"]["arrays/" + name] = read_numpy(f"{data}/arrays/{name}")
with open(f"{here}/weights.json", "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
