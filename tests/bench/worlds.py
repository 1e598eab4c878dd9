"""The contents of AWS: available images, images that are being built, and absent images."""

import math
from dataclasses import dataclass

from pretended_aws import build, image, stack

AVAILABLE, BUILDING, ABSENT = "all available", "1 % building", "10 % absent"
WORLDS = (AVAILABLE, BUILDING, ABSENT)
#: With the five tags that ParallelCluster sets, an image has twenty.
MORE_TAGS = [[f"extra-tag-{number}", f"value of the tag number {number}"] for number in range(15)]
AT_ONCE = 1000


@dataclass
class World:
    name: str
    n: int
    building: int = 0
    absent: int = 0

    @property
    def ids(self):
        return [f"img-{number}" for number in range(self.n)]

    @property
    def absent_ids(self):
        return self.ids[:self.absent]

    @property
    def building_ids(self):
        return self.ids[self.absent:self.absent + self.building]

    @property
    def available_ids(self):
        return self.ids[self.absent + self.building:]

    @property
    def reasons(self):
        """The expected number of objects for each reason of Ready."""
        counts = {"ImageAvailable": len(self.available_ids), "Building": self.building, "NotFound": self.absent}
        return {reason: count for reason, count in counts.items() if count}

    def load(self, aws):
        """Loads it into the simulated AWS."""
        for begin in range(0, len(self.available_ids), AT_ONCE):
            aws.patch(images=[tagged(image(name)) for name in self.available_ids[begin:begin + AT_ONCE]])
        if self.building:
            aws.patch(stacks=[stack(name, "CREATE_IN_PROGRESS") for name in self.building_ids],
                      image_build_versions=[build(name, "BUILDING") for name in self.building_ids])


def tagged(made):
    return {**made, "tags": [*made["tags"], *MORE_TAGS]}


def world(name, n):
    """A world of n images. At least one of them is of the kind in the world's name."""
    return World(name, n, building=math.ceil(n / 100) if name == BUILDING else 0, absent=math.ceil(n / 10) if name == ABSENT else 0)
