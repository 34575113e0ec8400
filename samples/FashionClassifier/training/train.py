#!/usr/bin/env python3
"""Trains the network of samples/FashionClassifier on Fashion-MNIST and exports it.

The modules below are the tutorial's, composed in one nn.Sequential: module i of the
Sequential is attribute i of the C# class, so the state dict loads there unchanged
("3.block.0.weight" is the first convolution of the fourth attribute).

    python3 train.py                      # train, then write ../assets
    python3 train.py --export-only x.pt   # write ../assets from a checkpoint

Needs torch and numpy; the data set is Debian's dataset-fashion-mnist or any folder with
the four original .gz files.
"""

import argparse
import copy
import gzip
import json
import shutil
import struct
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MEAN, STD = 0.2860, 0.3530  # of the training pixels divided by 255
EXPORTED_IMAGES = 1000
CLASSES = 10


# ---------------------------------------------------------------- the tutorial's modules

class SqueezeExcitation(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        squeezed = channels // reduction
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.gate(x)


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, project 1x1; the input is added where the shapes allow it."""

    def __init__(self, in_channels, out_channels, expansion=4, stride=1, squeeze_excitation=False):
        super().__init__()
        hidden = in_channels * expansion
        layers = [
            nn.Conv2d(in_channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
        ]
        if squeeze_excitation:
            layers.append(SqueezeExcitation(hidden))
        layers += [nn.Conv2d(hidden, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
        self.block = nn.Sequential(*layers)
        self.use_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return x + self.block(x) if self.use_shortcut else self.block(x)


class EfficientConvBlock(InvertedResidual):
    """An inverted residual with squeeze-excitation on the expanded channels."""

    def __init__(self, in_channels, out_channels, expansion=4, stride=1):
        super().__init__(in_channels, out_channels, expansion, stride, squeeze_excitation=True)


class DepthwiseSeparable(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, stride, 1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.net(x)


def fashion_classifier():
    return nn.Sequential(                                 # [InputShape(1, 28, 28)]
        nn.Conv2d(1, 16, 3, padding=1, bias=False),       # 0  [Conv2d(16, kernelSize: 3, padding: 1, bias: false)]
        nn.BatchNorm2d(16),                               # 1  [BatchNorm]
        nn.ReLU(inplace=True),                            # 2  [ReLU]
        InvertedResidual(16, 24, expansion=3, stride=2),  # 3  [InvertedResidual(24, expansion: 3, stride: 2)]
        InvertedResidual(24, 24),                         # 4  [InvertedResidual(expansion: 4)]
        EfficientConvBlock(24, 48, stride=2),             # 5  [EfficientConvBlock(48, expansion: 4, stride: 2)]
        EfficientConvBlock(48, 48),                       # 6  [EfficientConvBlock(expansion: 4)]
        DepthwiseSeparable(48, 128),                      # 7  [DepthwiseSeparable(128)]
        nn.AdaptiveAvgPool2d(1),                          # 8  [GlobalAvgPool]
        nn.Flatten(),                                     # 9  [Flatten]
        nn.Linear(128, CLASSES),                          # 10 [Linear(10)]
    )


def multiply_adds(model):
    """Multiply-adds of the convolutions and linear layers for one image, counted by running it."""
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    model = copy.deepcopy(model).eval()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    return total


# ---------------------------------------------------------------- data

def read_idx(path):
    """The idx format: two zero bytes, type (8 = unsigned byte), rank, big-endian sizes, the data."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def write_idx(path, array):
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes())


def load_split(folder, prefix):
    images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
    return images, torch.from_numpy(labels.astype(np.int64))


def normalise(images):
    return ((torch.from_numpy(images.astype(np.float32)) / 255 - MEAN) / STD).unsqueeze(1)


def augment(batch, generator, shift=2):
    """Flips half of the images left to right and moves each by up to `shift` pixels."""
    n, _, height, width = batch.shape
    flip = torch.rand(n, generator=generator) < 0.5
    batch = torch.where(flip[:, None, None, None], batch.flip(3), batch)
    padded = F.pad(batch, (shift,) * 4, value=-MEAN / STD)
    top, left = torch.randint(0, 2 * shift + 1, (2, n), generator=generator)
    rows = (top[:, None] + torch.arange(height))[:, :, None]
    columns = (left[:, None] + torch.arange(width))[:, None, :]
    return padded[torch.arange(n)[:, None, None], 0, rows, columns].unsqueeze(1)


# ---------------------------------------------------------------- training

def predict(model, images, batch=500):
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(batch)])


def accuracy(logits, labels):
    return (logits.argmax(1) == labels).float().mean().item()


def update_average(average, model, step, decay=0.998):
    """Exponential moving average of weights and statistics; shorter at the start."""
    decay = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), model.state_dict().values()):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)


def train(model, images, labels, validation, arguments):
    """One-cycle Adam with label smoothing; returns the averaged model."""
    model.to(memory_format=torch.channels_last)  # nearly twice as fast on a CPU
    average = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=arguments.rate, weight_decay=arguments.weight_decay)
    steps = arguments.epochs * (len(images) // arguments.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, total_steps=steps, pct_start=0.2)
    generator = torch.Generator().manual_seed(arguments.seed)
    step, start = 0, time.time()
    for epoch in range(1, arguments.epochs + 1):
        model.train()
        total = 0.0
        order = torch.randperm(len(images), generator=generator)
        for chosen in order[:len(order) // arguments.batch * arguments.batch].view(-1, arguments.batch):
            batch = augment(images[chosen], generator).contiguous(memory_format=torch.channels_last)
            logits = model(batch)
            loss = F.cross_entropy(logits, labels[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            step += 1
            update_average(average, model, step)
            total += loss.item()
        torch.save(average.state_dict(), arguments.checkpoint)
        score = accuracy(predict(average, validation[0]), validation[1])
        print(f"epoch {epoch}: loss {total / (steps // arguments.epochs):.4f} validation {score:.4f} "
              f"({time.time() - start:.0f} s)", flush=True)
    return average


# ---------------------------------------------------------------- export

def save_safetensors(path, tensors):
    """u64 header length, JSON header padded with spaces to 8 bytes, data; tensors sorted by name."""
    header, chunks, end = {}, [], 0
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name].detach().numpy().astype("<f4"))
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [end, end + array.nbytes]}
        chunks.append(array.tobytes())
        end += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def export(model, test_images, test_labels, licence, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model.to(memory_format=torch.contiguous_format)
    few, few_labels = test_images[:EXPORTED_IMAGES], test_labels[:EXPORTED_IMAGES]
    logits = predict(model, normalise(few), batch=1)
    state = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    save_safetensors(folder / "fashion.safetensors", state)
    save_safetensors(folder / "logits.safetensors", {"logits": logits})
    write_idx(folder / "test-images.idx3-ubyte", few)
    write_idx(folder / "test-labels.idx1-ubyte", few_labels.numpy().astype(np.uint8))
    shutil.copyfile(licence, folder / "LICENSE-fashion-mnist.txt")
    print(f"exported to {folder}")
    print(f"accuracy: {accuracy(predict(model, normalise(test_images)), test_labels):.4f} "
          f"({len(test_images)} images), {accuracy(logits, few_labels):.4f} (first {EXPORTED_IMAGES})")


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--licence", type=Path, default=Path("/usr/share/doc/dataset-fashion-mnist/copyright"))
    parser.add_argument("--assets", type=Path, default=here.parent / "assets")
    parser.add_argument("--checkpoint", type=Path, default=Path("fashion.pt"), help="written after every epoch")
    parser.add_argument("--export-only", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.006)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    model = fashion_classifier()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {multiply_adds(model)} multiply-adds")
    test_images, test_labels = load_split(arguments.data, "t10k")
    if arguments.export_only:
        model.load_state_dict(torch.load(arguments.export_only))
    else:
        images, labels = load_split(arguments.data, "train")
        # The last 5,000 training images are held out to watch the run; the test set is only looked at once, at the end.
        images = normalise(images)
        model = train(model, images[:-5000], labels[:-5000], (images[-5000:], labels[-5000:]), arguments)
    export(model, test_images, test_labels, arguments.licence, arguments.assets)


if __name__ == "__main__":
    main()
