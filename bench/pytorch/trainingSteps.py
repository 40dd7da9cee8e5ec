"""Training steps as PyTorch makes them, in double precision: the fixtures of test/engine/training/parity.test.ts, made once.

    /usr/bin/python3 bench/pytorch/trainingSteps.py

Writes test/fixtures/training/<case>.json: for SGD (two steps, momentum, falling by poly) and AdamW (three steps) the losses before each step and all
parameters after the last one. Both sides start from the same numbers, which come from a formula (`numbers`), not from a file.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path(__file__).resolve().parents[2] / "test/fixtures/training"


def numbers(shape, seed, scale=0.5):
    """Numbers in -scale..scale, the same on every machine: float32 of a linear congruential generator."""
    size = 1
    for d in shape:
        size *= d
    state, values = (seed * 2654435761 + 1) % 2**32, []
    for _ in range(size):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append((state / 2**31 - 1) * scale)
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


def integers(shape, seed, below):
    """Whole numbers of 0..below - 1, by the same formula."""
    return ((numbers(shape, seed) + 0.5) * below).floor().clamp(0, below - 1).long()


def parameters(shapes):
    """Leaf tensors by name; the seed of each is its place in the list, counted from 1."""
    return {name: numbers(shape, 1 + i).requires_grad_() for i, (name, shape) in enumerate(shapes.items())}


def train(shapes, loss_of, optimiser, steps, rate, weight_decay, clip=None, ema=None):
    values = parameters(shapes)
    groups = [
        {"params": [p for p in values.values() if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in values.values() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    made = torch.optim.SGD(groups, lr=rate, momentum=0.9) if optimiser == "sgd" else torch.optim.AdamW(groups, lr=rate)
    averages = {name: p.detach().clone() for name, p in values.items()}
    losses = []
    for step in range(steps):
        for group in made.param_groups:
            # Poly, as if the training had ten steps.
            group["lr"] = rate * (1 - step / 10) ** 0.9
        made.zero_grad()
        loss = loss_of(values)
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(list(values.values()), clip)
        made.step()
        losses.append(loss.item())
        if ema is not None:
            for name, p in values.items():
                averages[name] = ema * averages[name] + (1 - ema) * p.detach()
    after = {**values, **({f"{name}.ema": a for name, a in averages.items()} if ema is not None else {})}
    return {"losses": losses, "parameters": {name: [float(f"{x:.8g}") for x in p.detach().flatten().tolist()] for name, p in after.items()}}


def write(case, shapes, loss_of, **options):
    fixture = {
        "sgd": train(shapes, loss_of, "sgd", 2, 0.1, 1e-2, **options),
        "adamw": train(shapes, loss_of, "adamw", 3, 0.02, 5e-2, **options),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"torch": torch.__version__, **fixture}, separators=(",", ":")).replace(',"adamw"', ',\n"adamw"').replace(',"sgd"', ',\n"sgd"')
    (OUT / f"{case}.json").write_text(text + "\n")
    print(case, len(text), fixture["sgd"]["losses"], fixture["adamw"]["losses"])


HEADS = {"w": (4, 12), "b": (4,)}


def heads(p):
    """Linear heads and the multi-label soft margin loss."""
    return F.multilabel_soft_margin_loss(F.linear(numbers((6, 12), 101), p["w"], p["b"]), integers((6, 4), 102, 2).double())


def decoder(p):
    """1x1 -> ReLU -> 1x1 on cells; cross entropy over the classes that a cell's photo may have, with class weights and ignored cells."""
    cells = numbers((30, 10), 101, 1.0)
    logits = F.linear(F.relu(F.linear(cells, p["w1"], p["b1"])), p["w2"], p["b2"])
    allowed = integers((30, 5), 102, 2).bool()
    allowed[:, 0] = True
    # Every third cell is undecided; the others have a class that is allowed to them.
    choice = numbers((30, 5), 103).masked_fill(~allowed, -9).argmax(1)
    labels = torch.where(torch.arange(30) % 3 == 1, torch.full_like(choice, 255), choice)
    return F.cross_entropy(logits.masked_fill(~allowed, float("-inf")), labels, weight=torch.tensor([0.5, 1.0, 1.5, 1.0, 2.0]).double(), ignore_index=255)


CNN = {
    "stem": (6, 3, 3, 3), "stemScale": (6,), "stemShift": (6,), "grouped": (6, 3, 3, 3), "batchScale": (6,), "batchShift": (6,),
    "out": (4, 6, 1, 1), "outBias": (4,), "groupScale": (4,), "groupShift": (4,),
}


def cnn(p):
    """Strided, dilated and grouped convolutions, batch norm stored and trained, group norm, pools, bilinear resize, pixel cross entropy."""
    x = F.conv2d(numbers((2, 3, 16, 16), 101, 1.0), p["stem"], stride=2, padding=1)
    x = F.relu(F.batch_norm(x, numbers((6,), 102), numbers((6,), 103) + 1, p["stemScale"], p["stemShift"], training=False))
    x = F.max_pool2d(x, 3, 2, 1)
    x = F.conv2d(x, p["grouped"], padding=2, dilation=2, groups=2)
    x = F.relu(F.batch_norm(x, None, None, p["batchScale"], p["batchShift"], training=True))
    x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    x = F.group_norm(F.conv2d(x, p["out"], p["outBias"]), 2, p["groupScale"], p["groupShift"])
    x = F.interpolate(x, (16, 16), mode="bilinear", align_corners=False)
    labels = integers((2, 16, 16), 104, 5)
    return F.cross_entropy(x, torch.where(labels == 4, torch.full_like(labels, 255), labels), ignore_index=255)


def puzzle(p):
    """Puzzle-CAM with 2 x 2 tiles and alpha 2."""
    images, tags = numbers((2, 3, 8, 8), 101, 1.0), torch.tensor([[1.0, 0, 1], [0, 1, 0]]).double()

    def cam(x):
        return F.conv2d(F.relu(F.conv2d(x, p["w1"], p["b1"], padding=1)), p["w2"])

    whole = cam(images)
    tiles = cam(torch.cat([images[:, :, y : y + 4, x : x + 4] for y in (0, 4) for x in (0, 4)]))
    a, b, c, d = tiles.split(2)
    merged = torch.cat([torch.cat([a, b], 3), torch.cat([c, d], 3)], 2)
    classify = lambda maps: F.multilabel_soft_margin_loss(maps.mean((2, 3)), tags)
    return classify(whole) + classify(merged) + 2 * ((whole - merged).abs() * tags[:, :, None, None]).mean()


ATTENTION = {
    "s1": (8,), "t1": (8,), "qkv": (8, 24), "proj": (8, 8), "s2": (8,), "t2": (8,),
    "up": (8, 12), "upBias": (12,), "down": (12, 8), "head": (8, 3),
}


def attention(p):
    """A transformer's block with two heads, then tags from the mean of the tokens. (No bias of the keys: softmax does not see it, and AdamW would follow noise.)"""
    x = numbers((2, 5, 8), 101, 1.0)
    q, k, v = (F.layer_norm(x, (8,), p["s1"], p["t1"]) @ p["qkv"]).reshape(2, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    y = (q @ k.transpose(-1, -2) / 2).softmax(-1) @ v
    x = x + y.permute(0, 2, 1, 3).reshape(2, 5, 8) @ p["proj"]
    x = x + F.gelu(F.layer_norm(x, (8,), p["s2"], p["t2"]) @ p["up"] + p["upBias"]) @ p["down"]
    return F.multilabel_soft_margin_loss(x.mean(1) @ p["head"], torch.tensor([[1.0, 0, 0], [0, 1, 1]]).double())


write("heads", HEADS, heads)
write("decoder", {"w1": (8, 10), "b1": (8,), "w2": (5, 8), "b2": (5,)}, decoder)
write("cnn", CNN, cnn)
write("puzzle", {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (3, 4, 1, 1)}, puzzle)
write("attention", ATTENTION, attention)
write("clipping", HEADS, heads, clip=0.05, ema=0.9)
