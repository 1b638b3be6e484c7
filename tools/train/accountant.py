# SPDX-License-Identifier: Apache-2.0
"""How private DP-SGD is: Renyi accounting of the Gaussian mechanism on Poisson samples.

A step takes every example with probability q, clips the gradient of each to norm C and adds Gaussian noise of deviation
noise * C to the sum. Two data sets are neighbours where one has one example more than the other.
"""

import functools
import math

import numpy as np

ORDERS = tuple(range(2, 257)) + (320, 384, 512, 768, 1024)


def renyi(rate, noise, order):
    """The Renyi divergence of one step at an integer order from 2 on: Mironov, Talwar and Zhang, arXiv 1908.10530,
    section 3.3,
        1 / (a - 1) log sum_k binomial(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2 noise^2)),
    of which every term is positive, so that logarithms lose nothing."""
    _check(rate, noise)
    if order != int(order) or order < 2:
        raise ValueError(f"order {order}: a whole number from 2 on expected")
    if noise == 0:
        return math.inf
    if rate == 1:
        return order / (2 * noise**2)
    k = np.arange(order + 1.0)
    logs = _log_choices(order) + (order - k) * math.log1p(-rate) + k * math.log(rate) + (k * k - k) / (2 * noise**2)
    largest = logs.max()
    return float(largest + math.log(np.exp(logs - largest).sum())) / (order - 1)


@functools.lru_cache(maxsize=None)
def _log_choices(order):
    """The logarithms of the binomial coefficients over `order`."""
    factorials = np.array([math.lgamma(k + 1) for k in range(order + 1)])
    return factorials[-1] - factorials - factorials[::-1]


def epsilon(rate, noise, steps, delta):
    """(epsilon, order that gives it) after `steps` steps: steps add up at every order, and the order of least epsilon
    counts, by Canonne, Kamath and Steinke, arXiv 2004.00010, proposition 12,
        epsilon = divergence + log(1 - 1/a) - log(delta a) / (a - 1)."""
    if not 0 < delta < 1:
        raise ValueError(f"delta {delta}: expected between 0 and 1")
    if steps != int(steps) or steps < 0:
        raise ValueError(f"steps {steps}: a whole number from 0 on expected")
    _check(rate, noise)
    if steps == 0:
        return 0.0, ORDERS[0]
    best = math.inf, ORDERS[0]
    for order in ORDERS:
        value = steps * renyi(rate, noise, order) + math.log1p(-1 / order) - math.log(delta * order) / (order - 1)
        best = min(best, (max(value, 0.0), order))
    return best


def noise_for(target, rate, steps, delta):
    """The least noise, to 1 in 10,000, whose epsilon is at most `target`; 0 for an infinite one."""
    if math.isinf(target):
        return 0.0
    if not target > 0:
        raise ValueError(f"epsilon {target}: expected above 0")
    low, high = 0.0, 1.0
    while epsilon(rate, high, steps, delta)[0] > target:
        low, high = high, 2 * high
        if high > 1e6:
            raise ValueError(f"epsilon {target}: no noise up to {high:g} gives it at delta {delta:g}")
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon(rate, middle, steps, delta)[0] <= target else (middle, high)
    return high


def _check(rate, noise):
    if not 0 < rate <= 1:
        raise ValueError(f"sampling rate {rate}: expected above 0, at most 1")
    if not noise >= 0:
        raise ValueError(f"noise {noise}: expected 0 or more")
