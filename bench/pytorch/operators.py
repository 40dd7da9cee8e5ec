"""The operators of SeedMask in PyTorch, timed for comparison: one function a row, named as in bench/operators.ts.

Each takes the row's inputs as tensors and its parameters as keywords, and returns one tensor. `bench/pytorch.ts` starts this file and
sends one JSON object a line:

    {"load": {"operator": name, "inputs": {name: {"file", "shape", "type"}}, "parameters": {...}}}
    {"run": {}}                          one timed run, answered by {"ms": milliseconds}
    {"save": {"file": path}}             the result of the last run, as float32
"""
import json
import sys
import time

import numpy
import torch
import torch.nn.functional as F

AROUND = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def pamr(image, maps, dilations, iterations):
    """PAMR as it is usually written: neighbours as channels, by convolutions with shifted unit kernels, one a dilation."""

    def neighbours(x, offsets):
        kernel = torch.zeros(len(offsets), 1, 3, 3)
        for i, (dy, dx) in enumerate(offsets):
            kernel[i, 0, dy + 1, dx + 1] = 1
        planes = x.unsqueeze(1)
        return torch.cat([F.conv2d(F.pad(planes, [d] * 4, mode="replicate"), kernel, dilation=d) for d in dilations], 1)

    sigma = neighbours(image, AROUND + [(0, 0)]).std(1, keepdim=True)
    likeness = -(image.unsqueeze(1) - neighbours(image, AROUND)).abs() / (1e-8 + 0.1 * sigma)
    weights = likeness.mean(0).softmax(0)
    for _ in range(iterations):
        maps = (neighbours(maps, AROUND) * weights).sum(1)
    return maps


def pamr_tuned(image, maps, dilations, iterations):
    """PAMR without copies of the neighbours: shifted views of one padded tensor, sums in place. The fastest form found in PyTorch."""
    margin = max(dilations)
    height, width = image.shape[1:]
    offsets = [(dy * d, dx * d) for d in dilations for dy, dx in AROUND]

    def views(x):
        padded = F.pad(x.unsqueeze(0), [margin] * 4, mode="replicate")[0]
        return [padded[:, margin + dy : margin + dy + height, margin + dx : margin + dx + width] for dy, dx in offsets]

    near = views(image)
    total, squares = torch.zeros_like(image), torch.zeros_like(image)
    for view in near:
        difference = view - image
        total += difference
        squares.addcmul_(difference, difference)
    count = 9 * len(dilations)
    scale = -1 / (1e-8 + 0.1 * ((squares - total * total / count) / (count - 1)).clamp_(min=0).sqrt_())
    weights = torch.empty(len(offsets), height, width)
    for i, view in enumerate(near):
        weights[i] = (view - image).abs_().mul_(scale).mean(0)
    weights = weights.softmax(0)
    for _ in range(iterations):
        near = views(maps)
        maps = near[0] * weights[0]
        for view, weight in zip(near[1:], weights[1:]):
            maps.addcmul_(view, weight)
    return maps


def scg(features, cams, first_threshold, second_threshold, second_weight, foreground, background):
    """SCG of second order as published: whole N x N matrices."""
    e = 1e-10
    minmax = lambda v, **axes: (v - v.amin(**axes)) / (v.amax(**axes) - v.amin(**axes) + e)
    units = features.flatten(1)
    units = units / (units.norm(dim=0, keepdim=True) + e)
    n = units.shape[1]
    similarity = (units.t() @ units).relu_()
    similarity[similarity < first_threshold] = 0
    first = similarity / (similarity.sum(0, keepdim=True) + e)
    similarity.fill_diagonal_(0)
    step = similarity / (similarity.sum(0, keepdim=True) + e)
    second = step @ step
    second = second / (second.sum(0, keepdim=True) + e)
    second[second < second_threshold / n] = 0
    both = torch.maximum(first, second_weight * second)
    both = both / (both.sum(0, keepdim=True) + e)
    out = torch.zeros_like(cams).flatten(1)

    def spread(seeds):
        if not seeds.any():
            return torch.zeros(n)
        columns = both[:, seeds]
        return minmax(minmax(columns, dim=0, keepdim=True).sum(1), dim=0)

    for k, cam in enumerate(cams.flatten(1)):
        out[k] = minmax((spread(cam >= foreground) - spread(cam <= background)).relu_(), dim=0)
    return out.view_as(cams)


def edge_affinities(edge, radius):
    """(dy, dx, 1 - largest edge on the path) for each offset of the half plane; pixels outside are edges."""
    height, width = edge.shape[1:]
    rim = radius - 1
    padded = F.pad(edge, [rim] * 4, value=1.0)[0]
    offsets = [(0, x) for x in range(1, radius)]
    offsets += [(y, x) for y in range(1, radius) for x in range(1 - radius, radius) if x * x + y * y < radius * radius]
    for dy, dx in offsets:
        box = [(y, x) for y in range(min(0, dy), max(0, dy) + 1) for x in range(min(0, dx), max(0, dx) + 1)]
        path = [(y, x) for y, x in box if (dy * x - dx * y) ** 2 < dy * dy + dx * dx]
        largest = torch.stack([padded[rim + y : rim + y + height, rim + x : rim + x + width] for y, x in path]).amax(0)
        yield dy, dx, 1 - largest


def random_walk(edge, maps, radius, beta, steps):
    """The walk as published: the dense matrix of all pixel pairs, squared log2(steps) times."""
    height, width = edge.shape[1:]
    index = torch.arange(height * width).view(height, width)
    matrix = torch.eye(height * width)
    for dy, dx, affinity in edge_affinities(edge, radius):
        inside = slice(0, height - dy), slice(max(0, -dx), width - max(0, dx))
        here, values = index[inside].flatten(), affinity[inside].flatten()
        there = here + dy * width + dx
        matrix[here, there] = values
        matrix[there, here] = values
    matrix = matrix.pow_(beta)
    matrix /= matrix.sum(0, keepdim=True)
    for _ in range(steps.bit_length() - 1):
        matrix = matrix @ matrix
    return ((maps * (1 - edge)).flatten(1) @ matrix).view_as(maps)


def random_walk_tuned(edge, maps, radius, beta, steps):
    """The walk step by step over shifted views, in place. The fastest form found in PyTorch (sparse matrices are far slower)."""
    height, width = edge.shape[1:]
    rim = radius - 1
    view = lambda x, dy, dx: x[..., rim + dy : rim + dy + height, rim + dx : rim + dx + width]
    offsets, links = [], []
    for dy, dx, affinity in edge_affinities(edge, radius):
        link = affinity**beta
        offsets += [(dy, dx), (-dy, -dx)]
        links += [link, view(F.pad(link, [rim] * 4), -dy, -dx)]
    links = torch.stack(links)
    total = 1 + links.sum(0)
    own, links = 1 / total, list(links / total)
    padded = F.pad(maps * (1 - edge), [rim] * 4)
    buffers = [padded, padded.clone()]
    centres = [view(x, 0, 0) for x in buffers]
    near = [[view(x, dy, dx) for dy, dx in offsets] for x in buffers]
    for step in range(steps):
        source, target = step % 2, 1 - step % 2
        torch.mul(centres[source], own, out=centres[target])
        for neighbour, link in zip(near[source], links):
            centres[target].addcmul_(neighbour, link)
    return centres[steps % 2]


def main():
    torch.set_grad_enabled(False)
    # In PyTorch's favour: without this PAMR is several times slower.
    torch.set_flush_denormal(True)
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    operator, inputs, parameters, result = None, {}, {}, None
    for line in sys.stdin:
        [(command, given)] = json.loads(line).items()
        answer = {}
        if command == "load":
            operator, parameters = globals()[given["operator"]], given["parameters"]
            inputs = {
                name: torch.from_numpy(numpy.fromfile(tensor["file"], tensor["type"]).reshape(tensor["shape"]))
                for name, tensor in given["inputs"].items()
            }
        elif command == "run":
            start = time.perf_counter()
            result = operator(**inputs, **parameters)
            answer = {"ms": (time.perf_counter() - start) * 1000}
        elif command == "save":
            result.contiguous().numpy().astype("float32").tofile(given["file"])
        print(json.dumps(answer), flush=True)


main()
