"""A gradient flow played again in many digits: does each switch come when it is said to come?

Between switches the flow is linear, so with its modes given it can be followed in as many digits
and as small residuals as one likes. At each switch some pair has to be at the end of its motion: a
value at zero, or a holding force at one of its bounds.
"""

from __future__ import annotations

import mpmath as mp

__all__ = ["misses"]


def misses(gram, labels, signs, primal, times, modes, digits=80):
    """Return, for each switch, how far the closest pair is from what ends its motion, relative.

    `times` and `modes` are those of the pieces, the first at 0; samples are not parallel.
    """
    mp.mp.dps = digits
    G, y = mp.matrix(gram.tolist()), [mp.mpf(v) for v in labels.tolist()]
    s = [int(v) for v in signs]
    u = [[mp.mpf(v) for v in row] for row in primal.tolist()]
    r = [
        sum(sk * max(row[i], 0) for sk, row in zip(s, u, strict=True)) - y[i] for i in range(len(y))
    ]
    found = []
    for piece in range(len(times) - 1):
        now, then = modes[piece], modes[piece + 1]
        span = mp.mpf(float(times[piece + 1])) - mp.mpf(float(times[piece]))
        motion = _Motion(G, s, now)
        before = list(r)
        u, r = motion.advance(u, r, span)
        changed = [(k, i) for k in range(len(s)) for i in range(len(y)) if now[k][i] != then[k][i]]
        if changed:
            found.append(min(_distance(motion, u, r, before, s, now, pair) for pair in changed))
        for k, i in changed:
            u[k][i] = mp.mpf(0)
    return [float(value) for value in found]


def _distance(motion, u, r, before, signs, modes, pair):
    k, i = pair
    if modes[k][i] != 0:
        size = max(abs(v) for j, v in enumerate(before) if j in motion.support)
        return abs(u[k][i]) / size
    force = motion.force(k, r)[motion.held[k].index(i)]
    cap = signs[k] * r[i]
    size = abs(force) + max(abs(r[j]) for j in motion.support)
    return min(abs(force), abs(cap - force)) / size


class _Motion:
    def __init__(self, G, signs, modes):
        n = G.rows
        self.G, self.signs, self.n = G, signs, n
        self.held = [[i for i in range(n) if row[i] == 0] for row in modes]
        self.active = [[i for i in range(n) if row[i] > 0] for row in modes]
        self.support = sorted(set().union(*self.active))
        self.projected, self.hold = [], []
        for S in self.held:
            hold = mp.matrix(len(S), n)
            if S:
                block = mp.matrix([[G[a, b] for b in S] for a in S])
                rows = mp.matrix([[G[a, j] for j in range(n)] for a in S])
                hold = mp.inverse(block) * rows
            self.hold.append(hold)
            P = G.copy()
            for a in range(n):
                for b in range(n):
                    P[a, b] -= sum(G[a, S[c]] * hold[c, b] for c in range(len(S)))
            self.projected.append(P)
        p = len(self.support)
        H = mp.matrix(p, p)
        for P, A in zip(self.projected, self.active, strict=True):
            for a, i in enumerate(self.support):
                for b, j in enumerate(self.support):
                    if i in A and j in A:
                        H[a, b] += P[i, j]
        self.mu, self.Q = mp.eigsy(H) if p else ([], mp.matrix(0, 0))

    def advance(self, u, r, span):
        p = len(self.support)
        c = [sum(self.Q[a, j] * r[self.support[a]] for a in range(p)) for j in range(p)]
        gone = [-mp.expm1(-self.mu[j] * span) * c[j] for j in range(p)]
        left = [mp.exp(-self.mu[j] * span) * c[j] for j in range(p)]
        push = {
            i: sum(self.Q[a, j] * gone[j] / self.mu[j] for j in range(p))
            for a, i in enumerate(self.support)
        }
        new_u = [
            [
                mp.mpf(0)
                if i in self.held[k]
                else row[i]
                - self.signs[k] * sum(self.projected[k][i, j] * push[j] for j in self.active[k])
                for i in range(self.n)
            ]
            for k, row in enumerate(u)
        ]
        new_r = list(r)
        for a, i in enumerate(self.support):
            new_r[i] = sum(self.Q[a, j] * left[j] for j in range(p))
        return new_u, new_r

    def force(self, k, r):
        return [
            -self.signs[k] * sum(self.hold[k][a, j] * r[j] for j in self.active[k])
            for a in range(len(self.held[k]))
        ]
