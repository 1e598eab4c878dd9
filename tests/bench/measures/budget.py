"""Throttled calls when AWS allows exactly the operator's budget: at the first start, and at a restart after a kill."""

from contenders import OPERATOR, Operator
from field import Field
from shell import say
from worlds import World

#: The default budget, a quarter of AWS's limits. The burst is one call larger because latency varies between requests.
SHARE = {"ec2:DescribeImages": (26, 5), "cloudformation:DescribeStacks": (3, 1.25), "cloudformation:DescribeStackResource": (3, 1.25),
         "imagebuilder:GetImage": (3, 1.25)}
SIZE, BUILDING, ABSENT = 10000, 100, 1000
QUICK_SIZE, QUICK_BUILDING, QUICK_ABSENT = 100, 10, 10


def measure(bench, results):
    n, building, absent = (QUICK_SIZE, QUICK_BUILDING, QUICK_ABSENT) if bench.is_quick else (SIZE, BUILDING, ABSENT)
    world = World(f"{building} building, {absent} absent", n, building, absent)
    with Field(bench, world) as field:
        field.aws.patch(aws_limits=False, limits={call: {"burst": burst, "per_second": rate} for call, (burst, rate) in SHARE.items()})
        first = Operator(field)
        first.await_complete(900)
        tell(results, field, world, "first start")
        first.process.process.kill()
        field.forget_calls()
        again = Operator(field, name="operator again")
        again.process.wait("each build read again", lambda: field.calls().get("imagebuilder:GetImage", 0) >= building, 900)
        tell(results, field, world, "restart")


def tell(results, field, world, when):
    calls, throttled = sum(field.calls().values()), field.throttled()
    say(f"bench:   budget: {world.n} images, {world.name}: {when}: {calls:.0f} calls, {throttled:.0f} throttled")
    for what, value in (("calls", calls), ("throttled calls", throttled)):
        results.row(f"{what}, {when}", "calls", world.name, world.n, OPERATOR, value)
