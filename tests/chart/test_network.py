"""The NetworkPolicy, asked as the network asks it: may these pods talk to this address at this port?

And the port of the pods, which the chart names in several places and the program by itself.
"""

import re
from ipaddress import ip_address, ip_network

import pytest
from helm import ROOT, only, read_values, render

PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
# Two addresses for each place, because clusters have IPv4, IPv6 or both.
API_SERVER = ["10.100.0.1", "fd00:1::1"]
AWS = ["52.95.110.1", "2600:1f18::1"]
PROXY = ["10.9.8.7", "fd00:9::7"]
AGENT = ["169.254.170.23", "fd00:ec2::23"]
METADATA = ["169.254.169.254", "fd00:ec2::254"]
ANYBODY = ["10.200.3.4", "203.0.113.9", "fd00:2::4"]


def spec(values):
    return only(render({**values, "networkPolicy": {"enabled": True, **values.get("networkPolicy", {})}}), "NetworkPolicy")["spec"]


def covers(block, address):
    def holds(cidr):
        return ip_address(address) in ip_network(cidr)

    return holds(block["cidr"]) and not any(map(holds, block.get("except", [])))


def allows(policy, address, port, protocol="TCP"):
    """Kubernetes' rules: an absent or empty list of ports or peers is every port or peer."""

    def rule_allows(rule):
        ports = not rule.get("ports") or any((one["port"], one["protocol"]) == (port, protocol) for one in rule["ports"])
        blocks = [peer["ipBlock"] for peer in rule.get("to") or [] if "ipBlock" in peer]
        return ports and (not rule.get("to") or any(covers(block, address) for block in blocks))

    return any(map(rule_allows, policy["egress"]))


def reachable(policy, addresses, port, protocol="TCP"):
    """Whether the pods may talk to these addresses; all of them must be alike."""
    answers = {allows(policy, address, port, protocol) for address in addresses}
    assert len(answers) == 1, f"IPv4 and IPv6 differ: {addresses} at {port}"
    return answers.pop()


@pytest.mark.parametrize(
    "place, port, protocol",
    [(ANYBODY, 53, "UDP"), (ANYBODY, 53, "TCP"), (API_SERVER, 443, "TCP"), (API_SERVER, 6443, "TCP"), (AWS, 443, "TCP"), (AGENT, 80, "TCP"), (METADATA, 80, "TCP")],
    ids=["DNS", "DNS over TCP", "API server's Service", "API server", "AWS", "Pod Identity", "instance metadata"],
)
def test_the_default_policy_lets_the_pods_reach_what_they_need_by_ipv4_and_ipv6(place, port, protocol):
    assert reachable(spec({}), place, port, protocol)


@pytest.mark.parametrize("place, port", [(ANYBODY, 80), (AWS, 80), (ANYBODY, 22), (ANYBODY, 8080), (ANYBODY, 3128), (AGENT, 22)])
def test_the_default_policy_lets_the_pods_reach_nothing_else(place, port):
    assert not reachable(spec({}), place, port)
    assert not reachable(spec({}), place, 443, "UDP")


@pytest.mark.parametrize(
    "values, port",
    [
        ({"proxy": {"https": "http://proxy.example.com:3128"}}, 3128),
        ({"proxy": {"https": "http://[fd00:9::7]:3128/"}}, 3128),
        ({"proxy": {"https": "http://[fd00:9::7]"}}, 80),
        ({"proxy": {"https": "https://proxy.example.com"}}, 443),
        ({"aws": {"endpointUrl": "https://aws.example.com:8443/path"}}, 8443),
        ({"aws": {"endpointUrl": "http://aws.example.com"}}, 80),
    ],
    ids=str,
)
def test_the_ports_of_the_proxy_and_of_the_endpoint_are_open_to_the_cidrs_of_aws(values, port):
    for narrow in ([], ["10.9.8.7/32", "fd00:9::7/128"]):
        policy = spec({**values, "networkPolicy": {"awsCidrs": narrow, "apiServerCidrs": []}})
        assert reachable(policy, PROXY, port) == bool(narrow)
        assert not reachable(policy, AWS, port)


@pytest.mark.parametrize(
    "value, place, port",
    [("apiServerCidrs", API_SERVER, 6443), ("awsCidrs", AWS, 443), ("credentialCidrs", METADATA, 80)],
)
def test_narrowed_cidrs_are_the_only_ones_and_an_empty_list_opens_nothing(value, place, port):
    # 443 is open to both the API server and AWS, so the other one is closed.
    closed = {"apiServerCidrs": [], "awsCidrs": [], "credentialCidrs": []}
    here = spec({"networkPolicy": {**closed, value: [f"{address}/{ip_network(address).max_prefixlen}" for address in place]}})
    assert reachable(here, place, port)
    assert not reachable(here, ANYBODY, port)
    nowhere = spec({"networkPolicy": closed})
    assert not reachable(nowhere, place, port)
    assert len(nowhere["egress"]) == 1, "only DNS is left"


def test_the_api_server_is_reached_at_the_ports_of_the_values_alone():
    policy = spec({"networkPolicy": {"apiServerPorts": [16443], "awsCidrs": []}})
    assert reachable(policy, API_SERVER, 16443)
    assert not reachable(policy, API_SERVER, 6443) and not reachable(policy, API_SERVER, 443)


def test_extra_rules_stand_beside_the_others_as_they_are_written():
    dns = {"to": [PEER], "ports": [{"port": 5353, "protocol": "UDP"}]}
    extra, plain = spec({"networkPolicy": {"extraEgress": [dns]}}), spec({})
    assert extra["egress"] == [*plain["egress"], dns]


def test_only_port_8080_can_be_reached_by_everyone_or_by_the_peers_of_the_values():
    port = [{"port": 8080, "protocol": "TCP"}]
    assert spec({})["ingress"] == [{"ports": port}]
    assert spec({"networkPolicy": {"ingressFrom": [PEER]}})["ingress"] == [{"ports": port, "from": [PEER]}]


def test_the_policy_holds_for_the_operator_and_for_the_check_in_both_directions():
    objects = render(read_values("full"))
    policy = only(objects, "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    for labels in (only(objects, "Pod")["metadata"]["labels"], only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]):
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_the_default_has_no_policy():
    assert not [thing for thing in render() if thing["kind"] == "NetworkPolicy"]


def test_the_chart_names_the_port_at_which_the_program_listens_and_leaves_the_address_to_it():
    source = (ROOT / "src" / "process" / "args" / "run.rs").read_text()
    [address] = re.findall(r'env = "CUSTOMIMAGE_LISTEN".*?default_value = "([^"]+)"', source)
    host, _, port = address.rpartition(":")
    # IPv4, too: a cluster of either kind needs no value.
    assert host == "[::]"
    objects = render({"networkPolicy": {"enabled": True}})
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    named = [container["ports"][0]["containerPort"], only(objects, "Service")["spec"]["ports"][0]["port"], only(objects, "NetworkPolicy")["spec"]["ingress"][0]["ports"][0]["port"]]
    assert named == [int(port)] * 3
    assert "CUSTOMIMAGE_LISTEN" not in [variable["name"] for variable in container["env"]]
