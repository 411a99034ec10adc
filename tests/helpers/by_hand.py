"""The published rules once more, in NumPy with sorts and loops; only the random draws are those of the package."""

import hashlib
import math

import numpy as np
import torch

Arrays = dict[str, np.ndarray]
RULES = {  # drop fraction, its shape, share of the training with updates, grow by
    "static": (0.0, "constant", 0.0, None),
    "set": (0.3, "cosine", 0.75, "random"),
    "rigl": (0.3, "cosine", 0.75, "gradient"),
    "itop_r": (0.5, "floored", 1.0, "random"),
    "itop_g": (0.5, "floored", 1.0, "gradient"),
    "mest": (0.2, "halved", 0.75, "random"),
    "mest_r": (0.0, "cosine", 0.75, "random"),
    "mest_g": (0.0, "cosine", 0.75, "gradient"),
    "granet_r": (0.5, "cosine", 0.5, "random"),
    "granet_g": (0.5, "cosine", 0.5, "gradient"),
    "granet_dense": (0.5, "cosine", 0.5, "gradient"),
    "gmp": (0.0, "constant", 0.75, "random"),
    "snfs": (0.5, "cosine", 1.0, "momentum"),
    "srigl": (0.3, "cosine", 0.75, "gradient"),
    "chase": (0.3, "cosine", 0.75, "gradient"),  # without channels, which tests/sparsity/channels has
    "rigl_channels": (0.3, "cosine", 0.75, "gradient"),
}
LR, MOMENTUM, DECAY = 0.1, 0.9, 0.01


def densities(shapes: dict[str, tuple[int, ...]], density: float, distribution: str) -> dict[str, float]:
    """The scale is found by bisection: the total of min(1, scale · p) over the layers grows with it."""
    size = {n: math.prod(s) for n, s in shapes.items()}
    powers = {
        "erk": lambda s: sum(s) / math.prod(s),
        "er": lambda s: (s[0] + s[1]) / (s[0] * s[1]),
        "uniform": lambda s: 1.0,
    }
    power = {n: powers[distribution](s) for n, s in shapes.items()}
    low, high = 0.0, 1 / min(power.values())
    for _ in range(200):
        middle = (low + high) / 2
        total = sum(min(1.0, middle * power[n]) * size[n] for n in shapes)
        low, high = (middle, high) if total < density * sum(size.values()) else (low, middle)
    return {n: min(1.0, high * power[n]) for n in shapes}


def to_integers(wanted: dict[str, float], room: dict[str, int], total: int) -> dict[str, int]:
    """Rounded down, then one more for those that lost most, the first of equals first."""
    counts = {n: math.floor(round(v, 7)) for n, v in wanted.items()}
    for n in sorted(wanted, key=lambda n: -round(wanted[n] - counts[n], 7)):
        if sum(counts.values()) < total and counts[n] < room[n]:
            counts[n] += 1
    return counts


def best(scores: np.ndarray, count: int, among: np.ndarray) -> np.ndarray:
    """The `count` highest scores among the candidates, lower index first where equal."""
    order = sorted(np.flatnonzero(among), key=lambda i: (-scores.ravel()[i], i))
    chosen = np.zeros(scores.size, bool)
    chosen[order[:count]] = True
    return chosen.reshape(scores.shape)


class ByHand:
    """Sparse training of given weights with SGD (nesterov, decay) on given gradients, in float64."""

    def __init__(
        self, weights: Arrays, method: str, sparsity: float, total: int, every: int, distribution: str, seed: int
    ):
        self.w, self.method, self.seed, self.distribution = (
            {n: w.copy() for n, w in weights.items()},
            method,
            seed,
            distribution,
        )
        self.density, self.total, self.step_number = 1 - sparsity, total, 0
        self.fraction, self.shape, stop, self.grow = RULES[method]
        self.end = round(stop * total)
        self.updates = [s for s in range(every, total, every) if s < self.end]
        self.size = {n: w.size for n, w in weights.items()}
        self.target = self.counts(self.density)
        start = self.counts(self.density_after(0))
        self.m = {n: self.first_mask(n, start[n]) for n in weights}
        self.buffer: Arrays = {}
        self.smoothed = {n: np.zeros_like(w) for n, w in weights.items()}
        for n in self.w:
            self.w[n] *= self.m[n]

    def counts(self, density: float) -> dict[str, int]:
        shapes = {n: w.shape for n, w in self.w.items()}
        shares = densities(shapes, density, self.distribution)
        wanted = {n: shares[n] * self.size[n] for n in shapes}
        counts = to_integers(wanted, self.size, round(density * sum(self.size.values())))
        if self.method == "srigl":
            return {n: max(1, math.floor(counts[n] / s[0] + 0.5)) * s[0] for n, s in shapes.items()}
        return counts

    def first_mask(self, name: str, count: int) -> np.ndarray:
        noise = self.noise(name)
        if self.method != "srigl":
            return best(noise, count, np.ones(noise.shape, bool))
        rows = noise.reshape(len(noise), -1)
        return np.stack([best(row, count // len(rows), np.ones(row.shape, bool)) for row in rows]).reshape(noise.shape)

    def noise(self, name: str) -> np.ndarray:
        """The one thing taken over from the package: draws keyed by seed, step and layer."""
        key = hashlib.blake2b(f"{self.seed}/{self.step_number}/{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)
        return torch.rand(self.w[name].shape, generator=generator).numpy()

    def shape_now(self) -> float:
        progress = self.step_number / max(1, self.end)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return {
            "constant": 1.0,
            "cosine": cosine,
            "floored": 0.01 + 0.99 * cosine,
            "halved": 1.0 if progress < 0.75 else 0.5,
        }[self.shape]

    def density_after(self, step: int) -> float:
        if self.method in ("mest_r", "mest_g"):
            over = 0.1 * (1 + math.cos(math.pi * step / max(1, self.end))) / 2
            return min(1.0, self.density * (1 + over)) if self.updates and step < self.updates[-1] else self.density
        if self.method.startswith(("granet", "gmp")):
            first = 1.0 if self.method in ("granet_dense", "gmp") or self.density >= 0.8 else 0.8
            until = (0.75 if self.method == "gmp" else 0.5) * self.total
            events = [s for s in self.updates if s <= until]
            if not events:
                return self.density
            return self.density + (first - self.density) * max(0.0, 1 - step / events[-1]) ** 3
        return self.density

    def step(self, gradients: Arrays) -> None:
        self.step_number += 1
        for n, w in self.w.items():
            g = gradients[n] * self.m[n] + DECAY * w
            self.buffer[n] = g if n not in self.buffer else MOMENTUM * self.buffer[n] + g
            w -= LR * (g + MOMENTUM * self.buffer[n])
            self.smoothed[n] = 0.9 * self.smoothed[n] + 0.1 * gradients[n]
        if self.step_number in self.updates:
            self.update(gradients)
            for n in self.w:
                self.w[n] = self.w[n] * self.m[n]
                self.buffer[n] = self.buffer[n] * self.m[n]

    def update(self, gradients: Arrays) -> None:
        if self.method == "srigl":
            last = list(self.w)[-1]
            self.m = {n: self.neurons(n, gradients[n], n != last) for n in self.w}
            return
        if self.method.startswith("granet"):
            self.prune_globally()
        ends, keeps = {}, {}
        planned = self.counts(self.density_after(self.step_number))
        for n, m in self.m.items():
            now = int(m.sum())
            keeps[n] = now - math.floor(self.fraction * self.shape_now() * now)
            ends[n] = now
            if self.method in ("mest_r", "mest_g"):
                keeps[n], ends[n] = min(now, self.target[n], planned[n]), planned[n]
            elif self.method == "gmp":
                keeps[n], ends[n] = min(now, planned[n]), planned[n]
        if self.method == "snfs":
            ends = self.redistributed(keeps)
        for n, m in self.m.items():
            score = np.abs(self.w[n])
            if self.method == "mest":
                score = score + 0.01 * np.abs(gradients[n] * m)
            kept = best(score, keeps[n], m)
            grow = {"random": self.noise(n), "gradient": np.abs(gradients[n]), "momentum": np.abs(self.smoothed[n])}
            if self.method.startswith("mest") and self.target[n] < m.size:  # what is grown again starts anew
                self.w[n], self.buffer[n] = self.w[n] * kept, self.buffer[n] * kept
            self.m[n] = kept | best(grow[self.grow], ends[n] - keeps[n], ~kept)

    def prune_globally(self) -> None:
        everything = sum(self.size.values())
        goal = round(self.density_after(self.step_number) * everything)
        if goal >= sum(int(m.sum()) for m in self.m.values()):
            return
        safe = {
            n: best(np.abs(self.w[n]), min(int(m.sum()), max(1, math.floor(goal / everything / 10 * m.size))), m)
            for n, m in self.m.items()
        }
        order = [
            (-abs(self.w[n].ravel()[i]), place, i)
            for place, (n, m) in enumerate(self.m.items())
            for i in np.flatnonzero(m & ~safe[n])
        ]
        kept = {(place, i) for _, place, i in sorted(order)[: goal - sum(int(s.sum()) for s in safe.values())]}
        for place, n in enumerate(self.m):
            more = np.array([(place, i) in kept for i in range(self.size[n])]).reshape(self.m[n].shape)
            self.m[n] = safe[n] | more

    def redistributed(self, keeps: dict[str, int]) -> dict[str, int]:
        """What was dropped goes where the mean momentum is: the scale is found by bisection, layers may fill up."""
        mean = {n: float(np.abs(self.smoothed[n][m]).mean()) if m.any() else 0.0 for n, m in self.m.items()}
        room = {n: self.size[n] - keeps[n] for n in keeps}
        total = sum(int(m.sum()) for m in self.m.values()) - sum(keeps.values())
        low, high = 0.0, total / min(mean.values()) + 1
        for _ in range(300):
            middle = (low + high) / 2
            taken = sum(min(room[n], middle * mean[n]) for n in keeps)
            low, high = (middle, high) if taken < total else (low, middle)
        grown = to_integers({n: min(room[n], high * mean[n]) for n in keeps}, room, total)
        return {n: keeps[n] + grown[n] for n in keeps}

    def neurons(self, name: str, gradient: np.ndarray, ablate: bool) -> np.ndarray:
        w, m, g = (a.reshape(len(a), -1) for a in (np.abs(self.w[name]), self.m[name], np.abs(gradient)))
        dropping = math.floor(self.fraction * self.shape_now() * m.sum())
        fan_in, everywhere = self.target[name] // len(w), np.ones(m.shape, bool)
        alive = set(range(len(w)))
        if ablate:
            salient = best(w, int(m.sum()) - dropping, m) | best(g, dropping, everywhere)
            number = salient.sum(1)
            alive = {i for i in alive if number[i] >= max(1, math.floor(0.3 * fan_in))}
            least = math.ceil(self.target[name] / w.shape[1])
            if len(alive) < least:
                alive = set(sorted(range(len(w)), key=lambda i: (-number[i], i))[:least])
        new_fan_in = min(w.shape[1], self.target[name] // len(alive))
        here = m & np.array([i in alive for i in range(len(w))])[:, None]
        kept = best(w, min(int(here.sum()), int(m.sum()) - dropping), here)
        new = np.zeros(m.shape, bool)
        for i in alive:
            stay = best(w[i], new_fan_in, kept[i])
            new[i] = stay | best(g[i], new_fan_in - int(stay.sum()), ~stay)
        return new.reshape(self.w[name].shape)
