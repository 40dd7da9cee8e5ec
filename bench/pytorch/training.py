"""PyTorch's side of bench/training.ts: makes training steps when it is asked to.

    training.py STEM THREADS        STEM.json, .bin: the batch and the start of the parameters; STEM.graph.json, .bin: the network, where it is a graph of ours

Losses and optimisers are PyTorch's own."""
import json
import resource
import sys
import time

import numpy
import torch
import torch.nn.functional as F

from onnxNet import OnnxNet


def read(stem):
    """(the JSON, its tensors by name)."""
    with open(f"{stem}.json") as file:
        given = json.load(file)
    numbers = numpy.fromfile(f"{stem}.bin", "uint8")
    return given, {t["name"]: torch.from_numpy(numbers[t["start"] : t["end"]].view(t["dtype"]).reshape(t["dims"]).copy()) for t in given["initializers"]}


class Network:
    """A graph of ours with logits of photos, multi-label soft margin loss."""

    def __init__(self, stem):
        self.net = OnnxNet(f"{stem}.graph")

    def __call__(self, batch, parameters):
        logits = self.net({**batch, **parameters})["logits"]
        return F.multilabel_soft_margin_loss(logits, batch["tags"])


class Decoder:
    """The light decoder: linear layers with ReLU between them; cross entropy over the classes that a cell's photo has. Members are one more axis of the products."""

    def __init__(self, stem):
        pass

    def __call__(self, batch, parameters):
        x, layer = batch["cells"], 0
        one = x.shape[0] == 1
        linear = lambda x, w, b: torch.addmm(b[0, 0], x, w[0]) if one else torch.baddbmm(b, x, w)
        x = x[0] if one else x
        while f"hidden.{layer}" in parameters:
            x = F.relu(linear(x, parameters[f"hidden.{layer}"], parameters[f"hidden.{layer}.bias"]))
            if f"kept.{layer}" in batch:
                x = x * (batch[f"kept.{layer}"].view_as(x) * batch["keptScale"])
            layer += 1
        logits = linear(x, parameters["decoder"], parameters["decoder.bias"])
        allowed = logits + batch["restriction"].view_as(logits) if "restriction" in batch else logits
        return F.cross_entropy(allowed.view(-1, allowed.shape[-1]), batch["shares"].view(-1, allowed.shape[-1]))


def peak_mb():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(stem, threads):
    torch.set_num_threads(int(threads))
    # In PyTorch's favour: tiny numbers cost it dearly.
    torch.set_flush_denormal(True)
    row, tensors = read(stem)
    parameters = {name: tensors.pop(name).requires_grad_() for name in row["parameters"]}
    loss_of = globals()[row["torch"]](stem)
    decays = lambda name, p: p.dim() > 1 and not name.endswith(".bias")
    options = row["optimiser"]
    groups = [{"params": [p for n, p in parameters.items() if decays(n, p) == decay], "weight_decay": options["weightDecay"] if decay else 0} for decay in (True, False)]
    groups = [group for group in groups if group["params"]]
    make = {"adamw": lambda: torch.optim.AdamW(groups, lr=row["rate"]), "sgd": lambda: torch.optim.SGD(groups, lr=row["rate"], momentum=options.get("momentum", 0))}
    optimiser = make[options["kind"]]()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        if "memory" in json.loads(line):
            print(json.dumps({"mb": peak_mb()}), flush=True)
            continue
        start, cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(tensors, parameters)
        loss.backward()
        optimiser.step()
        value = loss.item()
        print(json.dumps({"loss": value, "ms": (time.perf_counter() - start) * 1000, "cpu": (time.process_time() - cpu) * 1000}), flush=True)


main(*sys.argv[1:])
