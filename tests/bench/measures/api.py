"""Describes over the HTTP interface in the cluster, beside the official program's API server with the same images."""

import json
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from contenders import OFFICIAL, OPERATOR, OfficialServer
from field import Field
from interface import Interface
from shell import require, say
from worlds import AVAILABLE, world

#: The images, the rounds, the describes of a round, and those of the official server.
SIZES, QUICK_SIZES = (10000, 3, 20000, 200), (500, 2, 2000, 40)
#: Requests at once: connections to the operator, and to the official server, which answers one after the other.
CONNECTIONS, CONNECTIONS_OF_OFFICIAL = 16, 4
#: Images of which both answers are compared.
COMPARED = 5
#: Counts and CPU are for so many describes, whatever their real number.
UNIT = 1000
#: The names of rows.
PER_SECOND, P50, P99, LONGEST = "describes a second", "p50", "p99", "longest"
AWS_CALLS, TOKENS, ACCESS, CPU, CPU_OF_CLIENT = (f"{what} for {UNIT:,} describes" for what in
                                                 ("AWS calls", "TokenReviews", "SubjectAccessReviews", "CPU", "CPU of the client"))
BEFORE, AFTER = "resident before the first describe", "resident after the last describe"
#: Of several rounds, these rows are no medians: nothing may stay unseen.
OF_ALL = {AWS_CALLS: statistics.mean, TOKENS: statistics.mean, ACCESS: statistics.mean, LONGEST: max}
#: The rows for the first describe of each image by a caller, and what their names have more.
OF_FIRST, FIRST = (PER_SECOND, P50, P99, AWS_CALLS, ACCESS, CPU), ", each image for the first time"


def measure(bench, results):
    n, rounds, describes, of_official = QUICK_SIZES if bench.is_quick else SIZES
    with Field(bench, world(AVAILABLE, n)) as field:
        interface = Interface(field)
        interface.operator.await_complete(900)
        chance = random.Random(1)
        answers = of_operator(results, interface, rounds, describes, chance)
        interface.operator.process.stop()
        field.aws.patch(aws_limits=False)
        official_server(results, field, chance.choices(field.world.ids, k=of_official), answers)


def of_operator(results, interface, rounds, describes, chance):
    """Measures the operator. Returns some of its answers."""
    field, process = interface.field, interface.operator.process
    row = rows(results, field, OPERATOR)
    before = process.memory_mib("VmRSS")
    first = load(interface, chance.sample(field.world.ids, k=field.world.n))
    again = [load(interface, chance.choices(field.world.ids, k=describes)) for _ in range(rounds)]
    for what, (_, unit) in first.items():
        results.rounds(what, unit, AVAILABLE, field.world.n, OPERATOR, [found[what][0] for found in again], of_all=OF_ALL.get(what, statistics.median))
    row(BEFORE, "MiB", before)
    row(AFTER, "MiB", process.memory_mib("VmRSS"))
    for what in OF_FIRST:
        value, unit = first[what]
        row(what + FIRST, unit, value)
    return {image_id: interface.describe(image_id) for image_id in chance.sample(field.world.ids, k=COMPARED)}


def load(interface, image_ids):
    """Describes these images, and returns what it takes: the value and unit of each row."""
    field, process = interface.field, interface.operator.process
    field.forget_calls()
    (tokens, access), cpu = interface.reviews(), process.cpu_seconds()
    found, cpu_of_client = interface.describes(image_ids, CONNECTIONS)
    cpu = process.cpu_seconds() - cpu
    tokens_after, access_after = interface.reviews()
    per = UNIT / (count := len(image_ids))
    taken = {PER_SECOND: (found["per_second"], "1/s"), P50: (found["p50_ms"], "ms"), P99: (found["p99_ms"], "ms"), LONGEST: (found["max_ms"], "ms"),
             AWS_CALLS: (sum(field.calls().values()) * per, "calls"), TOKENS: ((tokens_after - tokens) * per, "reviews"),
             ACCESS: ((access_after - access) * per, "reviews"), CPU: (cpu * per, "s"), CPU_OF_CLIENT: (cpu_of_client * per, "s")}
    tell(field, OPERATOR, count, taken)
    return taken


def official_server(results, field, image_ids, answers):
    """Measures the official server, after a comparison of its answers with the operator's."""
    server = OfficialServer(field)
    row = rows(results, field, OFFICIAL)
    for image_id, answer in answers.items():
        require(comparable(server.describe(image_id)) == comparable(answer), f"the same answer of both servers for {image_id}", answer.decode())
    row(BEFORE, "MiB", server.process.memory_mib("VmRSS"))
    field.forget_calls()
    cpu, begun = server.process.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS_OF_OFFICIAL) as pool:
        times = sorted(pool.map(lambda image_id: timed(server, image_id), image_ids))
    seconds, cpu = time.monotonic() - begun, server.process.cpu_seconds() - cpu
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    per = UNIT / (count := len(image_ids))
    taken = {PER_SECOND: (count / seconds, "1/s"), P50: (cuts[49], "ms"), P99: (cuts[98], "ms"), LONGEST: (times[-1], "ms"),
             AWS_CALLS: (sum(field.calls().values()) * per, "calls"), CPU: (cpu * per, "s")}
    for what, (value, unit) in taken.items():
        row(what, unit, value)
    row(AFTER, "MiB", server.process.memory_mib("VmRSS"))
    tell(field, OFFICIAL, count, taken)


def timed(server, image_id):
    """The milliseconds of a describe."""
    begun = time.monotonic()
    server.describe(image_id)
    return (time.monotonic() - begun) * 1000


def comparable(answer):
    """Without the URL of the configuration: the official server presigns it, and the operator does so only if it is set."""
    fields = json.loads(answer)
    return {**fields, "imageConfiguration": list(fields["imageConfiguration"])}


def rows(results, field, contender):
    return lambda what, unit, value: results.row(what, unit, AVAILABLE, field.world.n, contender, value)


def tell(field, contender, count, taken):
    values = ", ".join(f"{what} {value:.2f}" for what, (value, _) in taken.items())
    say(f"bench:   api: {field.world.n} images, {contender}, {count} describes: {values}")
