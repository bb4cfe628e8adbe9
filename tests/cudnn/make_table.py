"""Makes docs/cudnn-plans.md of what `cudnn_plans GPU --models` tells: python3 make_table.py OUTPUT FILE..."""
import collections
import pathlib
import re
import sys

GPUS = "h100", "a100"
USES = "forward", "backward_input", "backward_weight", "forward+bias+f", "forward+residual+bias+f"
REASONS = [line.split("\t") for line in
           pathlib.Path(__file__).with_name("declined.txt").read_text().splitlines()]
HEAD = """# cuDNN's plans for all convolutions of all models

Made by `make cudnn-plans`; {cudnn}. **Nothing here was executed on a GPU.** "Has a plan" means that cuDNN's heuristics,
its support checks and, where it compiles at run time, its compiler take the graph for the published properties of that
GPU ([cudnn.md](cudnn.md)). Batch 32, images of 224 px (`inception_v3` 299, `face_cnn` 256, `glem_cnn` 64, CIFAR 32,
`lenet` 28). f32 is without TF32, and only engines that sum in a fixed order count.

The shapes are those of PyTorch's own models (`tests/cudnn/make_convolutions.py`); {shapes} differ.
Each shape of a model is asked in f32, bf16 and f16 for the three kernels (forward, backward_input, backward_weight) and
for inference with the batch norm folded: bias and the model's activation f, and with the residual too.

## Plans
"""


def read(paths):
    rows = []
    for path in paths:
        for line in open(path):
            model, count, question, engine, workspace, declined = line.rstrip("\n").split("\t")
            use, _, rest = question.partition(" on ")
            gpu, _, rest = rest.partition(" in ")
            dtype, _, shape = rest.partition(": ")
            if declined:
                declined = next((why for known, why in REASONS if re.fullmatch(known, question)), declined)
            kind = use
            if "+" in use:
                kind = USES[4] if "+residual" in use else USES[3]
            rows.append((model, gpu, dtype, kind, use, shape, int(workspace), declined))
    return rows


def megabytes(size):
    return f"{size / 1e6:.0f}" if size >= 1e6 else f"{size / 1e6:.1f}"


def table(rows):
    models = list(dict.fromkeys(row[0] for row in rows))
    yield "| model | shapes | " + " | ".join(f"{gpu}: plans / asked" for gpu in GPUS) + \
        " | largest workspace, MB: f32 | bf16 | f16 |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for model in models + ["all, each shape once"]:
        mine = {row[1:6]: row for row in rows if model in (row[0], "all, each shape once")}.values()
        cells = [str(len({row[5] for row in mine}))]
        for gpu in GPUS:
            asked = [row for row in mine if row[1] == gpu]
            cells.append(f"{sum(not row[7] for row in asked)} / {len(asked)}")
        for dtype in ("f32", "bf16", "f16"):
            cells.append(megabytes(max(row[6] for row in mine if row[2] == dtype)))
        yield f"| {model} | " + " | ".join(cells) + " |"


def by_use(rows):
    yield "| kernel | type | " + " | ".join(f"{gpu}: plans / asked" for gpu in GPUS) + " | median workspace, MB |"
    yield "| --- | --- | ---: | ---: | ---: |"
    once = {row[1:6]: row for row in rows}.values()
    for use in USES:
        for dtype in ("f32", "bf16", "f16"):
            cells, sizes = [], sorted(row[6] for row in once if row[2:4] == (dtype, use) and not row[7])
            for gpu in GPUS:
                asked = [row for row in once if row[1:4] == (gpu, dtype, use)]
                cells.append(f"{sum(not row[7] for row in asked)} / {len(asked)}")
            yield f"| {use} | {dtype} | " + " | ".join(cells) + f" | {megabytes(sizes[len(sizes) // 2])} |"


def declined(rows):
    found = collections.OrderedDict()
    for model, gpu, dtype, _, use, shape, _, why in rows:
        if why:
            models, gpus = found.setdefault((use, dtype, shape, why), (set(), set()))
            models.add(model)
            gpus.add(gpu)
    if not found:
        yield "None."
        return
    yield "Each of these goes to the next row of conv2d_forward that `lathe kernels conv2d_forward` lists: ours.\n"
    yield "| what | type | shape | GPU | model | why (cuDNN's log) |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for (use, dtype, shape, why), (models, gpus) in found.items():
        yield f"| {use} | {dtype} | {shape} | {', '.join(sorted(gpus))} | {', '.join(sorted(models))} | {why} |"


output, *paths = sys.argv[1:]
rows = read(path for path in paths if path.endswith(".tsv"))
cudnn = next(line for path in paths if path.endswith(".log") for line in open(path)).split(", ")[1]
parts = [HEAD.format(cudnn=cudnn, shapes=len({row[5] for row in rows})), *table(rows), "\n## By kernel and type\n", *by_use(rows), "\n## Declined\n",
         *declined(rows)]
open(output, "w").write("\n".join(parts) + "\n")
