"""The API in the cluster: what the chart renders when it is on, nothing when it is off, and what it refuses."""

import pytest
from helm import MAJORS, MINIMAL, merge, nested, of_kind, only, read_values, refusal, render, template
from restricted import offences

ON = {"api": {"enabled": True, "certificateSecret": "images-tls"}}
#: All of its values, changed.
CHANGED = {"port": 9443, "certificateSecret": "images-tls", "serverName": "images.example.com", "audience": "images", "configurationUrl": "presigned",
           "requestsPerSecond": 7, "service": {"annotations": {"a": "b"}, "labels": {"team": "hpc"}}}  # fmt: skip
OPERATOR = {"app.kubernetes.io/name": "customimage-operator", "app.kubernetes.io/instance": "mirror", "app.kubernetes.io/component": "operator"}
OURS = {"podSelector": {"matchLabels": OPERATOR}}
TEAM = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "hpc"}}}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
NAME = "mirror-customimage-operator-api"
SERVER = f"{NAME}.hpc-system.svc"


def authenticated(**more):
    return merge(merge(ON, nested("api.authenticateMetrics", True)), more)


def pod_of(objects):
    return only(objects, "Deployment")["spec"]["template"]["spec"]


@pytest.mark.parametrize("name", ["minimal", "namespaces", "full"])
@pytest.mark.parametrize("major", MAJORS)
def test_off_it_leaves_no_trace_whatever_its_other_values_are(major, name):
    values = read_values(name)
    changed = merge(values, {"api": {**CHANGED, "enabled": False}, "networkPolicy": {"apiFrom": [TEAM]},
                             "serviceMonitor": {"tlsConfig": {"caFile": "/ca.pem"}, "authorization": {"credentials": {"name": "a", "key": "b"}}}})  # fmt: skip
    off = template(merge(MINIMAL, values), major=major)
    assert template(merge(MINIMAL, changed), major=major).stdout == off.stdout != ""
    for word in ("CUSTOMIMAGE_API", "POD_IP", "api-certificate", "tokenreviews", "images-tls"):
        assert word not in off.stdout, word


def test_the_service_leads_to_the_named_port_of_the_operators_pods_and_not_to_that_of_helm_test():
    objects = render(ON)
    service = only(objects, "Service", "-api")
    assert service["metadata"]["name"] == NAME and "clusterIP" not in service["spec"]
    [port] = service["spec"]["ports"]
    assert (port["port"], port["targetPort"], port["appProtocol"]) == (443, "api", "https")
    assert {"name": "api", "containerPort": 8443} in pod_of(objects)["containers"][0]["ports"]
    selector = service["spec"]["selector"].items()
    assert selector <= only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert not selector <= only(objects, "Pod")["metadata"]["labels"].items()


def test_the_program_gets_the_certificate_its_name_and_the_address_of_its_pod():
    objects = render(ON)
    container = pod_of(objects)["containers"][0]
    env = {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}
    assert {name: env[name] for name in env if name.startswith("CUSTOMIMAGE_API_")} == {
        "CUSTOMIMAGE_API_LISTEN": "[::]:8443",
        "CUSTOMIMAGE_API_CERTIFICATE": "/etc/api-certificate",
        "CUSTOMIMAGE_API_SERVER_NAME": SERVER,
        "CUSTOMIMAGE_API_AUDIENCE": "customimage-operator",
        "CUSTOMIMAGE_API_CONFIGURATION_URL": "s3",
        "CUSTOMIMAGE_API_REQUESTS_PER_SECOND": "50",
        "CUSTOMIMAGE_API_METRICS": "false",
    }
    assert env["POD_IP"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "api-certificate"]
    # A subPath would not follow a renewed certificate.
    assert mount == {"name": "api-certificate", "mountPath": env["CUSTOMIMAGE_API_CERTIFICATE"], "readOnly": True}


def test_any_user_can_read_the_certificate_with_and_without_a_group_of_the_pod():
    for context in ({}, {"runAsUser": 1000680000, "runAsGroup": 0, "fsGroup": 1000680000}):
        spec = pod_of(render({**ON, "podSecurityContext": context}))
        [volume] = [volume for volume in spec["volumes"] if volume["name"] == "api-certificate"]
        # Without items: ca.crt is not in every Secret, and a missing item would keep the pod from starting.
        assert volume["secret"] == {"secretName": "images-tls", "defaultMode": 0o444}
        assert offences(spec) == []


def test_callers_get_no_right_from_the_chart():
    """The resource of the rights is `images`, so that no right to customimages opens the API."""
    for role in of_kind(render(ON), "ClusterRole") + of_kind(render(ON), "Role"):
        assert not [rule for rule in role["rules"] if any(resource.split("/")[0] in ("images", "*") for resource in rule["resources"])]


# ---- the network


def policy(values, **network):
    return only(render(merge(values, {"networkPolicy": {"enabled": True, **network}})), "NetworkPolicy")["spec"]


def rules(spec):
    return {rule["ports"][0]["port"]: rule.get("from") for rule in spec["ingress"]}


def test_the_policy_opens_the_port_to_everyone_or_to_the_peers_and_our_own_pods():
    assert rules(policy(ON)) == {8080: None, 8443: None}
    assert rules(policy(ON, apiFrom=[TEAM])) == {8080: None, 8443: [TEAM, OURS]}
    assert rules(policy(merge(ON, {"api": {"port": 9443}}), ingressFrom=[MONITORING])) == {8080: [MONITORING], 9443: None}


def test_with_authenticated_metrics_only_nodes_reach_port_8080_and_who_scrapes_reaches_that_of_the_api():
    assert rules(policy(authenticated(), ingressFrom=[MONITORING], apiFrom=[TEAM])) == {8443: [TEAM, MONITORING, OURS]}
    assert rules(policy(authenticated(), apiFrom=[TEAM])) == {8443: [TEAM, OURS]}


@pytest.mark.parametrize("scrapers", [[], [MONITORING]], ids=["nobody named", "Prometheus named"])
def test_without_peers_the_apis_port_is_open_to_everyone_whoever_may_scrape(scrapers):
    """Who may scrape must not shut the callers out."""
    assert rules(policy(authenticated(), ingressFrom=scrapers)) == {8443: None}
    assert rules(policy(ON, ingressFrom=scrapers))[8443] is None


def test_a_replica_that_stands_by_may_ask_the_leader_also_when_all_else_is_closed():
    closed = {"apiServerCidrs": [], "awsCidrs": [], "credentialCidrs": []}
    assert policy(ON, **closed)["egress"][1:] == [{"ports": [{"port": 8443, "protocol": "TCP"}], "to": [OURS]}]
    assert policy({}, **closed)["egress"][1:] == []


# ---- the metrics


def scrape(values):
    """The Service for Prometheus, and the one endpoint of the monitor."""
    objects = render(values)
    [monitor] = of_kind(objects, "ServiceMonitor") + of_kind(objects, "PodMonitor")
    [endpoint] = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    return only(objects, "Service", "-metrics")["spec"]["ports"], endpoint


def test_the_service_monitor_scrapes_the_apis_port_with_prometheus_own_token_and_verifies_the_certificate():
    ports, endpoint = scrape(authenticated(serviceMonitor={"enabled": True}))
    assert ports == [{"name": "https", "port": 8443, "targetPort": "api"}]
    assert endpoint == {
        "port": "https", "path": "/metrics", "scheme": "https", "bearerTokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "tlsConfig": {"serverName": SERVER, "ca": {"secret": {"name": "images-tls", "key": "ca.crt"}}},
    }  # fmt: skip


def test_the_pod_monitor_scrapes_it_with_the_token_of_the_values():
    token = {"credentials": {"name": "prometheus-token", "key": "token"}}
    _, endpoint = scrape(authenticated(podMonitor={"enabled": True, "authorization": token}))
    assert (endpoint["port"], endpoint["scheme"], endpoint["authorization"], "bearerTokenFile" in endpoint) == ("api", "https", token, False)
    assert endpoint["tlsConfig"]["serverName"] == SERVER


@pytest.mark.parametrize("trust", [{"ca": {"configMap": {"name": "a", "key": "b"}}}, {"caFile": "/etc/ca.pem"}, {"insecureSkipVerify": True}], ids=str)
def test_whom_the_monitor_trusts_can_be_said_and_replaces_the_secret_of_the_certificate(trust):
    _, endpoint = scrape(authenticated(serviceMonitor={"enabled": True, "namespace": "monitoring", "tlsConfig": trust}))
    assert endpoint["tlsConfig"] == {"serverName": SERVER, **trust}


def test_without_authenticated_metrics_they_stay_at_port_8080():
    ports, endpoint = scrape(merge(ON, {"serviceMonitor": {"enabled": True}}))
    assert ports == [{"name": "http", "port": 8080, "targetPort": "http"}] and endpoint == {"port": "http", "path": "/metrics"}


# ---- what cannot work


@pytest.mark.parametrize(
    "values, words",
    [
        ({"api": {"enabled": True}}, "api.enabled is true, and api.certificateSecret is empty: the API speaks only HTTPS; set the name of a Secret"),
        ({"api": {"authenticateMetrics": True}}, "api.authenticateMetrics is true, and api.enabled false: there would be no port with authentication; set api.enabled=true"),
        (merge(ON, {"api": {"port": 8080}}), "api.port is 8080, which the probes have; set another one, such as 8443"),
        (authenticated(podMonitor={"enabled": True}), "podMonitor.authorization is empty: a PodMonitor cannot name the token of Prometheus's own ServiceAccount; set podMonitor.authorization="),
        (authenticated(serviceMonitor={"enabled": True, "namespace": "monitoring"}), "set serviceMonitor.tlsConfig.ca={configMap: {name, key}}"),
        (merge(ON, {"extraEnv": [{"name": "POD_IP", "value": "10.0.0.1"}]}), "extraEnv names POD_IP: the API needs it as it is"),
        (merge(ON, {"extraEnv": [{"name": "CUSTOMIMAGE_API_AUDIENCE", "value": "a"}]}), "extraEnv names CUSTOMIMAGE_API_AUDIENCE, which the chart sets"),
        ({"extraEnv": [{"name": "CUSTOMIMAGE_API_LISTEN", "value": "[::]:1"}]}, "extraEnv names CUSTOMIMAGE_API_LISTEN, and api.enabled is false"),
    ],
    ids=str,
)
@pytest.mark.parametrize("major", MAJORS)
def test_what_cannot_work_is_refused_with_the_fix(major, values, words):
    assert words in refusal(merge(MINIMAL, values), major=major)


def test_a_variable_of_the_pods_address_is_the_users_own_while_the_api_is_off():
    render({"extraEnv": [{"name": "POD_IP", "value": "10.0.0.1"}]})


def test_a_monitor_in_the_releases_own_namespace_needs_no_authority_of_its_own():
    render(authenticated(serviceMonitor={"enabled": True, "namespace": "hpc-system"}))
