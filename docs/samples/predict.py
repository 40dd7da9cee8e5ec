#!/usr/bin/env python3
"""Masks by a network that SeedMask trained and exported. Needs numpy, pillow and onnxruntime (or onnxruntime-gpu).

    python predict.py model.onnx photo.jpg [photo.jpg ...] [--tags cat,dog] [--flip]

Writes photo.labels.png beside each photo: 8-bit, value = class id (0 background), VOC palette, the photo's size.
--tags: only these classes may appear.  --flip: the mean of the photo and its mirror image, slower and a little better.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main():
    options = arguments()
    session = onnxruntime.InferenceSession(str(options.model), providers=onnxruntime.get_available_providers())
    about = json.loads(session.get_modelmeta().custom_metadata_map["seedmask"])
    ids = np.array([c["id"] for c in about["classes"]], np.uint8)
    names = [c["name"] for c in about["classes"]]
    allowed = allowed_channels(names, options.tags)
    for path in options.photos:
        photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        probabilities = predict(session, about, photo, options.flip)[allowed]
        labels = ids[allowed][resized(probabilities, photo.size).argmax(axis=0)]
        mask = Image.fromarray(labels, "P")
        mask.putpalette(voc_palette())
        mask.save(path.with_suffix(".labels.png"))
        found = [names[list(ids).index(i)] for i in np.unique(labels)]
        print(f"{path}: {', '.join(found)}")


def predict(session, about, photo, flip):
    """Probabilities of one photo, classes x height x width, at the size the network works at."""
    fitted = photo.resize(network_size(about, photo.size), Image.BICUBIC)
    run = lambda picture: session.run(["probabilities"], {"photo": np.asarray(picture)[None]})[0][0]
    if not flip:
        return run(fitted)
    return (run(fitted) + run(ImageOps.mirror(fitted))[:, :, ::-1]) / 2


def network_size(about, size):
    """Width and height: the one size the network takes, else the photo's with its longer side as in training, in multiples."""
    if about["size"]:
        return about["size"]["width"], about["size"]["height"]
    scale = about["longSide"] / max(size)
    return tuple(max(1, round(side * scale / about["multiple"])) * about["multiple"] for side in size)


def resized(maps, size):
    return np.stack([np.asarray(Image.fromarray(m, "F").resize(size, Image.BILINEAR)) for m in maps.astype(np.float32)])


def allowed_channels(names, tags):
    """Channels of the background and the tags; of all classes without tags."""
    if tags is None:
        return np.arange(len(names))
    unknown = [tag for tag in tags if tag not in names]
    if unknown:
        raise SystemExit(f"the network does not know: {', '.join(unknown)}; it knows {', '.join(names[1:])}")
    return np.array([0] + [names.index(tag) for tag in tags])


def voc_palette():
    """The 256 colours of PASCAL VOC: bit k of the id goes to bit 7 - k // 3 of channel k % 3."""
    colour = lambda i: [sum(((i >> (3 * bit + channel)) & 1) << (7 - bit) for bit in range(3)) for channel in range(3)]
    return [value for i in range(256) for value in colour(i)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--tags", type=lambda text: text.split(","))
    parser.add_argument("--flip", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
