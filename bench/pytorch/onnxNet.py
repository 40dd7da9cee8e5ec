"""A graph of ours (bench/graphFile.ts: names, shapes and numbers) walked through PyTorch's operators, so that PyTorch computes the very same network and can
differentiate it. One function an operator; what PyTorch has an operator for is one call."""
import json

import numpy
import torch
import torch.nn.functional as F

DTYPES = {"float32": torch.float32, "int64": torch.int64, "int32": torch.int32, "uint8": torch.uint8, "bool": torch.bool, "float16": torch.float16}
NUMPY = {**{name: name for name in ("float32", "int64", "int32", "uint8", "float16")}, "bool": "bool"}
CODES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 10: "float16"}


class OnnxNet:
    """`floats`: the type that float32 constants take (double for comparing, single for timing)."""

    def __init__(self, stem, floats=torch.float32):
        with open(f"{stem}.json") as file:
            graph = json.load(file)
        numbers = numpy.fromfile(f"{stem}.bin", "uint8")
        self.floats, self.constants, self.nodes = floats, {}, graph["nodes"]
        self.outputs = [output["name"] for output in graph["outputs"]]
        for tensor in graph["initializers"]:
            values = numbers[tensor["start"] : tensor["end"]].view(NUMPY[tensor["dtype"]]).reshape(tensor["dims"])
            value = torch.from_numpy(values.copy())
            self.constants[tensor["name"]] = value.to(floats) if tensor["dtype"] == "float32" else value

    def __call__(self, inputs):
        values = {**self.constants, **inputs}
        for node in self.nodes:
            given = [values[name] if name else None for name in node["inputs"]]
            made = OPERATORS[node["op"]](self, node["attributes"], *given)
            values.update(zip(node["outputs"], made if isinstance(made, (tuple, list)) else [made]))
        return {name: values[name] for name in self.outputs}


def number(attributes, name, default):
    value = attributes.get(name, default)
    return value["float"] if isinstance(value, dict) else value


def padded(x, pads, value=0.0):
    """For window operators: PyTorch's own padding where both sides are alike, else a padded copy."""
    top, left, bottom, right = pads
    if (top, left) == (bottom, right):
        return x, (top, left)
    return F.pad(x, (left, right, top, bottom), value=value), (0, 0)


def window(attributes):
    return attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1]), attributes.get("pads", [0, 0, 0, 0])


def conv(_, attributes, x, w, bias=None):
    strides, dilations, pads = window(attributes)
    x, padding = padded(x, pads)
    return F.conv2d(x, w, bias, strides, padding, dilations, attributes.get("group", 1))


def conv_transpose(_, attributes, x, w, bias=None):
    strides, dilations, (top, left, bottom, right) = window(attributes)
    extra = attributes.get("output_padding", [0, 0])
    y = F.conv_transpose2d(x, w, bias, strides, 0, extra, attributes.get("group", 1), dilations)
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]


def max_pool(_, attributes, x):
    strides, dilations, pads = window(attributes)
    x, padding = padded(x, pads, float("-inf"))
    return F.max_pool2d(x, attributes["kernel_shape"], strides, padding, dilations)


def average_pool(_, attributes, x):
    strides, _, pads = window(attributes)
    counted = attributes.get("count_include_pad", 0) == 1
    x, padding = padded(x, pads) if counted else (x, pads[:2])
    return F.avg_pool2d(x, attributes["kernel_shape"], strides, padding, count_include_pad=counted)


def resize(_, attributes, x, roi, scales, sizes=None):
    mode, coordinates = attributes.get("mode"), attributes.get("coordinate_transformation_mode", "half_pixel")
    size = [int(d * s) for d, s in zip(x.shape[2:], scales.tolist()[2:])] if sizes is None else sizes.tolist()[2:]
    if mode == "linear" and coordinates in ("half_pixel", "align_corners"):
        return F.interpolate(x, size, mode="bilinear", align_corners=coordinates == "align_corners")
    # Nearest: written as what it is, a choice of rows and columns.
    for axis, to in zip((2, 3), size):
        start = x.shape[axis]
        at = torch.arange(to, dtype=torch.float64)
        position = at * start / to if coordinates == "asymmetric" else (at + 0.5) * start / to - 0.5
        chosen = position.floor() if attributes.get("nearest_mode") == "floor" else (position - 0.5).ceil()
        x = x.index_select(axis, chosen.clamp(0, start - 1).long())
    return x


def pad(_, attributes, x, pads, value=None):
    pads = pads.tolist()
    mode = attributes.get("mode", "constant")
    rank = x.dim() if mode == "constant" else 2
    flat = [side for axis in range(x.dim() - 1, x.dim() - 1 - rank, -1) for side in (pads[axis], pads[axis + x.dim()])]
    return F.pad(x, flat, mode="replicate" if mode == "edge" else mode)


def sliced(_, attributes, x, starts, ends, axes=None, steps=None):
    axes = axes.tolist() if axes is not None else range(len(starts))
    for i, axis in enumerate(axes):
        step = int(steps[i]) if steps is not None else 1
        positions = range(x.shape[axis])[slice(int(starts[i]), int(ends[i]) if int(ends[i]) >= -x.shape[axis] else None, step)]
        x = x.index_select(axis, torch.tensor(list(positions))) if step < 0 else x.narrow(axis, positions.start, max(0, positions.stop - positions.start))[
            (slice(None),) * (axis % x.dim()) + (slice(None, None, step),)
        ]
    return x


def clip(_, attributes, x, low=None, high=None):
    low, high = (None if bound is None else float(bound) for bound in (low, high))
    return F.hardtanh(x, low, high) if low is not None and high is not None else x.clamp(low, high)


def reduction(function):
    def run(_, attributes, x, axes=None):
        return function(x, dim=axes.tolist() if axes is not None else list(range(x.dim())), keepdim=attributes.get("keepdims", 1) == 1)

    return run


def gemm(_, attributes, a, b, c=None):
    a = a.t() if attributes.get("transA") else a
    b = b.t() if attributes.get("transB") else b
    return a @ b if c is None else torch.addmm(c, a, b)


def layer_norm(_, attributes, x, scale, shift=None):
    axis = attributes.get("axis", -1) % x.dim()
    return F.layer_norm(x, x.shape[axis:], scale, shift, number(attributes, "epsilon", 1e-5))


def plain(function):
    """An operator without attributes."""
    return lambda net, attributes, *inputs: function(*inputs)


def reshape(x, shape):
    return x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(shape.tolist())])


def gather(_, attributes, x, indices):
    axis = attributes.get("axis", 0) % x.dim()
    return x.index_select(axis, indices.flatten().long()).reshape([*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]])


def cast(net, attributes, x):
    name = CODES[attributes["to"]]
    return x.to(net.floats if name == "float32" else DTYPES[name])


def unsqueeze(x, axes):
    for axis in sorted(a % (x.dim() + len(axes)) for a in axes.tolist()):
        x = x.unsqueeze(axis)
    return x


OPERATORS = {
    "Conv": conv, "ConvTranspose": conv_transpose, "MaxPool": max_pool, "AveragePool": average_pool, "Resize": resize, "Pad": pad, "Slice": sliced,
    "Clip": clip, "Gemm": gemm, "LayerNormalization": layer_norm, "Gather": gather, "Cast": cast,
    "Shape": lambda _, a, x: torch.tensor(x.shape[a.get("start", 0) : a.get("end", None)], dtype=torch.int64),
    "Reshape": plain(reshape), "Unsqueeze": plain(unsqueeze), "Flatten": lambda _, a, x: x.flatten(0, a.get("axis", 1) - 1).flatten(1),
    "Squeeze": plain(lambda x, axes: x.reshape([d for i, d in enumerate(x.shape) if i not in [a % x.dim() for a in axes.tolist()]])),
    "Transpose": lambda _, a, x: x.permute(a["perm"]), "Expand": plain(lambda x, shape: x * torch.ones(shape.tolist(), dtype=x.dtype)),
    "Concat": lambda _, a, *parts: torch.cat(parts, a["axis"]), "Split": lambda _, a, x, sizes: x.split(sizes.tolist(), a.get("axis", 0)),
    "GatherElements": lambda _, a, x, indices: x.gather(a.get("axis", 0), indices),
    "TopK": lambda _, a, x, k: tuple(x.topk(int(k), dim=a.get("axis", -1))),
    "MatMul": plain(torch.matmul), "Add": plain(torch.add), "Sub": plain(torch.sub), "Mul": plain(torch.mul), "Div": plain(torch.div), "Pow": plain(torch.pow),
    "Max": plain(torch.maximum), "Min": plain(torch.minimum), "Where": plain(torch.where),
    "Greater": plain(torch.gt), "GreaterOrEqual": plain(torch.ge), "Less": plain(torch.lt), "LessOrEqual": plain(torch.le), "Equal": plain(torch.eq),
    "Relu": plain(F.relu), "Sigmoid": plain(torch.sigmoid), "Tanh": plain(torch.tanh), "Softplus": plain(F.softplus), "Erf": plain(torch.erf),
    "Exp": plain(torch.exp), "Log": plain(torch.log), "Sqrt": plain(torch.sqrt), "Neg": plain(torch.neg), "Abs": plain(torch.abs),
    "Sign": plain(torch.sign), "Floor": plain(torch.floor), "Ceil": plain(torch.ceil), "Round": plain(torch.round), "Reciprocal": plain(torch.reciprocal),
    "Identity": plain(lambda x: x), "HardSwish": plain(F.hardswish),
    "Gelu": lambda _, a, x: F.gelu(x, approximate=a.get("approximate", "none")),
    "LeakyRelu": lambda _, a, x: F.leaky_relu(x, number(a, "alpha", 0.01)), "Elu": lambda _, a, x: F.elu(x, number(a, "alpha", 1.0)),
    "HardSigmoid": lambda _, a, x: (x * number(a, "alpha", 0.2) + number(a, "beta", 0.5)).clamp(0, 1),
    "Softmax": lambda _, a, x: F.softmax(x, a.get("axis", -1)), "LogSoftmax": lambda _, a, x: F.log_softmax(x, a.get("axis", -1)),
    "ReduceSum": reduction(torch.sum), "ReduceMean": reduction(torch.mean), "ReduceMax": reduction(torch.amax), "ReduceMin": reduction(torch.amin),
    "ReduceSumSquare": reduction(lambda x, **options: (x * x).sum(**options)),
    "GlobalAveragePool": plain(lambda x: x.mean((2, 3), keepdim=True)),
    "InstanceNormalization": lambda _, a, x, scale, shift: F.instance_norm(x, weight=scale, bias=shift, eps=number(a, "epsilon", 1e-5)),
    "BatchNormalization": lambda _, a, x, scale, shift, mean, var: F.batch_norm(x, mean, var, scale, shift, eps=number(a, "epsilon", 1e-5)),
}
