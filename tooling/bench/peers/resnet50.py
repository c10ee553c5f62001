"""ResNet-50 training steps with PyTorch on the CPU, for comparison. Answers each line on standard input with seconds of a step.

Usage: python resnet50.py BATCH SIZE THREADS. The network is built here from torch.nn alone, so that torchvision is not needed.
"""

import sys
import time

import torch
from torch import nn


def convolution(inputs, outputs, kernel, stride=1):
    padding = (kernel - 1) // 2
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs))


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(
            convolution(inputs, width, 1), nn.ReLU(inplace=True),
            convolution(width, width, 3, stride), nn.ReLU(inplace=True),
            convolution(width, outputs, 1),
        )
        self.shortcut = convolution(inputs, outputs, 1, stride) if stride != 1 or inputs != outputs else nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet50(classes):
    layers = [convolution(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            layers.append(Bottleneck(channels, width, stride if block == 0 else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def main():
    batch, size, threads = (int(text) for text in sys.argv[1:4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = resnet50(1000).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (batch,))
    loss_of = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    step()
    print(f"ready torch {torch.__version__}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(time.perf_counter() - start, flush=True)


main()
