"""Gradients by PyTorch in double precision, for bench/gradients.ts. Asked {"gradients": {stem, inputs: [{name, dims, data}]}}, it answers {"gradients": [[...], ...]}:
of the graph's one output `loss` with respect to each input."""
import json
import sys

import torch

from onnxNet import OnnxNet

print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    given = json.loads(line)["gradients"]
    inputs = {x["name"]: torch.tensor(x["data"], dtype=torch.float64).reshape(x["dims"]).requires_grad_() for x in given["inputs"]}
    loss = OnnxNet(given["stem"], torch.float64)(inputs)["loss"]
    found = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True)
    print(json.dumps({"gradients": [g.flatten().tolist() if g is not None else None for g in found]}), flush=True)
