"""Writes reference.safetensors with the safetensors package (0.8.0): pip install safetensors numpy."""
import os
import numpy as np
from safetensors.numpy import save_file

save_file(
    {
        "weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
        "a \"quoted\" näme\n": np.array([-1, 2**40], dtype=np.int64),
        "scalar": np.array(2.5, dtype=np.float64),
        "empty": np.zeros((3, 0, 2), dtype=np.float32),
        "half": np.array([0.5, -2, 65504], dtype=np.float16),
        "bytes": np.array([[1], [2], [255]], dtype=np.uint8),
        "ints": np.array([7], dtype=np.int32),
    },
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.safetensors"),
    metadata={"format": "pt \\ \"x\"\t"},
)
