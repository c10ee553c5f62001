"""Optimizer steps and eigendecompositions with PyTorch on the CPU, for comparison.

Usage: python optimizer.py THREADS < JSON, the JSON `{"shapes": [[...], ...], "factors": [[order, rest], ...]}`. Prints one line of JSON: seconds of a step of
SGD and of AdamW over variables of these shapes, and of torch.linalg.eigh of every factor, each the sum of 18 weighted outer products of
normal gradients as the optimizer averages them.
"""

import json
import sys
import time

import torch

STEPS = 5
GRADIENTS = 18
DECAY = 0.95


def median(values):
    return sorted(values)[len(values) // 2]


def seconds_of_step(make, parameters):
    optimizer = make(parameters)
    times = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return median(times[1:])


def factor(order, rest):
    terms = min(GRADIENTS, max(1, -(-3 * order // rest)))
    total = torch.zeros(order, order)
    for age in range(terms):
        gradient = torch.randn(order, rest)
        total.addmm_(gradient, gradient.T, alpha=(1 - DECAY) * DECAY**age)
    return total


torch.manual_seed(0)
torch.set_num_threads(int(sys.argv[1]))
request = json.load(sys.stdin)
parameters = [torch.randn(shape, requires_grad=True) for shape in request["shapes"]]
for parameter in parameters:
    parameter.grad = torch.randn_like(parameter)
with torch.no_grad():
    sgd = seconds_of_step(lambda p: torch.optim.SGD(p, lr=1e-4, momentum=0.9, nesterov=True, weight_decay=5e-4), parameters)
    adamw = seconds_of_step(lambda p: torch.optim.AdamW(p, lr=1e-4, weight_decay=5e-4), parameters)
    eigh = 0.0
    for order, rest in request["factors"]:
        matrix = factor(order, rest)
        start = time.perf_counter()
        torch.linalg.eigh(matrix)
        eigh += time.perf_counter() - start
print(json.dumps({"version": torch.__version__, "sgd": sgd, "adamw": adamw, "eigh": eigh}))
