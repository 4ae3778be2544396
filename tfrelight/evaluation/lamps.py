"""Nearest-class accuracy: does a light tell which lamp of a rig was on?

SfSNet's test on Multi-PIE: a class is a lamp, its mean the average of the lights that the network
sees under it, and a photo is put into the class with the nearest mean. Our reading: the averages
are over everybody but the person who is tested, and every light is brought to length 1 first, for
flashes are seldom calibrated.
"""

from __future__ import annotations

import collections

import numpy as np

__all__ = ["Rig"]


class Rig:
    """Collects the lights of people under the lamps of one rig."""

    def __init__(self):
        # person -> list of (lamp, light of length 1), in the order they came.
        self._seen = collections.defaultdict(list)

    def add(self, person, lamps, lights):
        """Adds the photos of a person.

        Args:
          person: id.
          lamps: `[K]` ids, hashable: which lamp each photo was taken under.
          lights: `[K, 9, 3]`, as the network sees them.
        """
        vectors = np.reshape(np.asarray(lights, np.float64), (len(lights), -1))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        self._seen[person] += zip(lamps, vectors)

    def measure(self, measured):
        """Adds the table `light_class`: the share of photos in the right class, and by chance.

        A photo takes part whose lamp also lit somebody else. Nothing is added if there is none.
        """
        totals = collections.defaultdict(float)
        counts = collections.Counter()
        for seen in self._seen.values():
            for lamp, vector in seen:
                totals[lamp] = totals[lamp] + vector
                counts[lamp] += 1
        for person, seen in self._seen.items():
            own, own_counts = collections.defaultdict(float), collections.Counter()
            for lamp, vector in seen:
                own[lamp] = own[lamp] + vector
                own_counts[lamp] += 1
            others = [lamp for lamp in totals if counts[lamp] > own_counts[lamp]]
            if not others:
                continue
            means = np.stack([(totals[i] - own[i]) / (counts[i] - own_counts[i]) for i in others])
            for lamp, vector in seen:
                if lamp not in others:
                    continue
                nearest = others[int(np.argmin(np.linalg.norm(means - vector, axis=1)))]
                measured.add("light_class", "model", person, accuracy=nearest == lamp)
                measured.add("light_class", "chance", person, accuracy=1 / len(others))
