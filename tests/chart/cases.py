"""For each value of the chart: a changed value, the place where it has an effect, and the expected result there."""

from dataclasses import dataclass, field
from typing import Any, Callable

import yaml
from helm import MINIMAL, merge, nested
from places import (
    alert, annotation, at, configuration, container, exists, has, label, label_everywhere, pod, policy, variable,
)  # fmt: skip

ROLE = "arn:aws:iam::222233334444:role/customimage-reader"
SAME = object()


@dataclass
class Case:
    value: str
    change: Any
    place: Callable
    expected: Any = SAME
    given: dict = field(default_factory=dict)

    def __post_init__(self):
        self.expected = self.change if self.expected is SAME else self.expected
        # These parts are off by default. Their values have an effect only if the part is enabled.
        group, _, key = self.value.partition(".")
        if group in ("serviceMonitor", "podMonitor", "prometheusRule", "dashboard", "kubeStateMetrics", "networkPolicy") and key != "enabled":
            self.given = merge(self.given, nested(f"{group}.enabled", True))
        if group == "api":
            self.given = {**self.given, "api": {"enabled": key != "enabled", "certificateSecret": "images-tls"}}


def timing(value, name, **given):
    return Case(f"timing.{value}", "7m", variable(f"CUSTOMIMAGE_{name}"), given=given)


CREDENTIALS = {"type": "Bearer", "credentials": {"name": "prometheus-token", "key": "token"}}
AUTHENTICATES = {"api": {"enabled": True, "certificateSecret": "images-tls", "authenticateMetrics": True}}


def monitor(group, kind, endpoint):
    """The values that a ServiceMonitor and a PodMonitor have alike."""
    relabelings = at(kind, f"{endpoint}.relabelings")
    return [
        Case(f"{group}.enabled", True, exists(kind)),
        Case(f"{group}.namespace", "monitoring", at(kind, "metadata.namespace")),
        Case(f"{group}.labels", {"release": "prometheus"}, label(kind, "release"), "prometheus"),
        Case(f"{group}.interval", "15s", at(kind, f"{endpoint}.interval")),
        Case(f"{group}.scrapeTimeout", "15s", at(kind, f"{endpoint}.scrapeTimeout")),
        Case(f"{group}.relabelings", RELABELING, lambda objects: (relabelings(objects) or [])[-1:]),
        Case(f"{group}.metricRelabelings", RELABELING, at(kind, f"{endpoint}.metricRelabelings")),
        Case(f"{group}.authorization", CREDENTIALS, at(kind, f"{endpoint}.authorization"), given=merge(AUTHENTICATES, nested(f"{group}.authorization.type", "Bearer"))),
        Case(f"{group}.tlsConfig", {"ca": {"configMap": CA_FILE}}, at(kind, f"{endpoint}.tlsConfig.ca"), {"configMap": CA_FILE}, merge(AUTHENTICATES, nested(f"{group}.authorization", CREDENTIALS))),
    ]


IMAGE = MINIMAL["image"]["repository"]
DIGEST = "sha256:" + "a" * 64
CA_FILE = {"name": "company-ca", "key": "root.crt"}
CA_VOLUME = {"name": "company-ca", "items": [{"key": "root.crt", "path": "ca.pem"}]}
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
EXTRA = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "of-{{ .Release.Name }}"}, "data": {"version": "{{ .Chart.AppVersion }}"}}
RELABELING = [{"action": "labeldrop", "regex": "pod"}]
TOLERATION = [{"key": "system", "operator": "Exists"}]
SPREAD = {"maxSkew": 2, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"a": "b"}}}
IDENTITY = {
    "name": "research", "roleArn": ROLE, "externalId": "a:b/c", "sessionName": "hpc", "regions": ["eu-west-1"],
    "namespaces": ["hpc"],
}  # fmt: skip
READER = [{"name": "research", "roleArn": ROLE, "namespaces": ["hpc"]}]

CASES = [
    Case("global.imageRegistry", "mirror.example.com/proxy/", container("image"), "mirror.example.com/proxy/customimage-operator:0.1.0"),
    Case("global.imagePullSecrets", ["all", {"name": "pull"}], pod("imagePullSecrets"), [{"name": "own"}, {"name": "all"}, {"name": "pull"}], {"imagePullSecrets": [{"name": "own"}]}),
    Case("image.repository", "other.example.com/it", container("image"), "other.example.com/it:0.1.0"),
    Case("image.tag", "9.9", container("image"), f"{IMAGE}:9.9"),
    Case("image.digest", DIGEST, container("image"), f"{IMAGE}@{DIGEST}"),
    Case("image.pullPolicy", "Never", container("imagePullPolicy")),
    Case("imagePullSecrets", [{"name": "pull"}], pod("imagePullSecrets")),
    Case("replicas", 3, at("Deployment", "spec.replicas")),
    Case("revisionHistoryLimit", 9, at("Deployment", "spec.revisionHistoryLimit")),
    Case("strategy", {"type": "Recreate"}, at("Deployment", "spec.strategy")),
    Case("strategy", {"rollingUpdate": {"maxSurge": "50%"}}, at("Deployment", "spec.strategy.rollingUpdate"), {"maxSurge": "50%", "maxUnavailable": 0}),
    Case("extraObjects", [EXTRA], at("ConfigMap", "data", "of-mirror"), {"version": "0.1.0"}),
    Case("extraObjects", [yaml.safe_dump(EXTRA)], at("ConfigMap", "data", "of-mirror"), {"version": "0.1.0"}),
    Case("nameOverride", "mirror-of-images", label_everywhere("app.kubernetes.io/name")),
    Case("fullnameOverride", "images", at("Deployment", "metadata.name")),
    Case("commonLabels", {"team": "hpc"}, label_everywhere("team"), "hpc"),
    Case("aws.region", "eu-west-1", variable("AWS_REGION")),
    Case("aws.partition", "aws-cn", policy("Statement.3.Resource"), "arn:aws-cn:imagebuilder:*:*:image/parallelclusterimage-*"),
    Case("aws.accountId", "111122223333", policy("Statement.1.Resource"), "arn:aws:cloudformation:*:111122223333:stack/*"),
    Case("aws.roleArn", ROLE, annotation("ServiceAccount", "eks.amazonaws.com/role-arn")),
    Case("aws.podIdentity", True, policy("Statement.4.Action"), ["sts:AssumeRole", "sts:TagSession"], {"identities": READER}),
    Case("aws.endpointUrl", "https://aws.example.com:8443", variable("AWS_ENDPOINT_URL")),
    Case("aws.caBundle", {"configMap": CA_FILE}, pod("volumes.1.configMap"), CA_VOLUME),
    Case("aws.caBundle", {"secret": CA_FILE}, pod("volumes.1.secret.secretName"), "company-ca"),
    Case("aws.caBundle", {"secret": CA_FILE}, variable("AWS_CA_BUNDLE"), "/etc/aws-ca/ca.pem"),
    Case("aws.caBundle", {"secret": CA_FILE}, container("volumeMounts.1.mountPath"), "/etc/aws-ca"),
    Case("aws.connectTimeout", "5s", variable("AWS_CONNECT_TIMEOUT")),
    Case("aws.attemptTimeout", "5s", variable("AWS_ATTEMPT_TIMEOUT")),
    Case("aws.operationTimeout", "5s", variable("AWS_OPERATION_TIMEOUT")),
    Case("aws.maxAttempts", 7, variable("AWS_MAX_ATTEMPTS"), "7"),
    Case("aws.budget.percent", 50, variable("CUSTOMIMAGE_AWS_BUDGET"), "50"),
    Case("aws.budget.assumedRate", 8, variable("CUSTOMIMAGE_AWS_ASSUMED_RATE"), "8"),
    Case("aws.budget.assumedBurst", 16, variable("CUSTOMIMAGE_AWS_ASSUMED_BURST"), "16"),
    Case("iamPolicy.configMap", False, exists("ConfigMap", "iam-policy")),
    Case("iamPolicy.buckets", ["ours"], policy("Statement.4.Resource"), ["arn:aws:s3:::parallelcluster-*", "arn:aws:s3:::ours"], {"configurationUrl": "presigned"}),
    Case("proxy.https", "http://proxy.example.com:3128", variable("HTTPS_PROXY")),
    Case(
        "proxy.noProxy",
        [".example.com"],
        variable("NO_PROXY"),
        "kubernetes.default.svc,$(KUBERNETES_SERVICE_HOST),169.254.169.254,169.254.170.23,fd00:ec2::254,fd00:ec2::23,.example.com",
        {"proxy": {"https": "http://proxy.example.com"}},
    ),
    Case("identities", [IDENTITY], configuration("identities")),
    Case("watchNamespaces", ["hpc", "genomics"], variable("CUSTOMIMAGE_NAMESPACE"), "hpc,genomics"),
    Case("buildLogs.enabled", True, variable("CUSTOMIMAGE_BUILD_LOGS"), "true"),
    Case("configurationUrl", "presigned", variable("CUSTOMIMAGE_CONFIGURATION_URL")),
    timing("inProgressInterval", "IN_PROGRESS_INTERVAL"),
    timing("settledInterval", "SETTLED_INTERVAL"),
    timing("absentInterval", "ABSENT_INTERVAL"),
    timing("absentIntervalMax", "ABSENT_INTERVAL_MAX"),
    timing("errorInterval", "ERROR_INTERVAL"),
    timing("errorIntervalMax", "ERROR_INTERVAL_MAX"),
    timing("notFoundGrace", "NOT_FOUND_GRACE"),
    timing("finalizingPeriod", "FINALIZING_PERIOD"),
    timing("errorGrace", "ERROR_GRACE"),
    timing("stalenessBudget", "STALENESS_BUDGET"),
    timing("batchWindow", "BATCH_WINDOW"),
    timing("writeTimeout", "WRITE_TIMEOUT"),
    timing("shutdownTimeout", "SHUTDOWN_TIMEOUT", terminationGracePeriodSeconds=600),
    Case("concurrency", 1024, variable("CUSTOMIMAGE_CONCURRENCY"), "1024"),
    Case("lease.duration", "60s", variable("CUSTOMIMAGE_LEASE_DURATION")),
    Case("lease.renewDeadline", "7s", variable("CUSTOMIMAGE_LEASE_RENEW_DEADLINE")),
    Case("lease.retryPeriod", "1s", variable("CUSTOMIMAGE_LEASE_RETRY_PERIOD")),
    Case("log.filter", "debug", variable("CUSTOMIMAGE_LOG")),
    Case("log.format", "json", variable("CUSTOMIMAGE_LOG_FORMAT")),
    Case("api.enabled", True, exists("Service", "-api")),
    Case("api.port", 9443, container("ports.1.containerPort")),
    Case("api.port", 9443, variable("CUSTOMIMAGE_API_LISTEN"), "[::]:9443"),
    Case("api.certificateSecret", "other-tls", pod("volumes.1.secret.secretName")),
    Case("api.serverName", "images.example.com", variable("CUSTOMIMAGE_API_SERVER_NAME")),
    Case("api.audience", "images", variable("CUSTOMIMAGE_API_AUDIENCE")),
    Case("api.configurationUrl", "presigned", variable("CUSTOMIMAGE_API_CONFIGURATION_URL")),
    Case("api.requestsPerSecond", 7, variable("CUSTOMIMAGE_API_REQUESTS_PER_SECOND"), "7"),
    Case("api.authenticateMetrics", True, variable("CUSTOMIMAGE_API_METRICS"), "true"),
    Case("api.service.annotations", {"a": "b"}, annotation("Service", "a", "-api"), "b"),
    Case("api.service.labels", {"team": "hpc"}, label("Service", "team", "-api"), "hpc"),
    Case("crds.install", False, exists("CustomResourceDefinition")),
    Case("crds.keep", False, annotation("CustomResourceDefinition", "helm.sh/resource-policy"), None),
    Case("rbac.create", False, exists("RoleBinding")),
    Case("rbac.aggregateClusterRoles", False, exists("ClusterRole", "-edit")),
    Case("serviceAccount.create", False, exists("ServiceAccount")),
    Case("serviceAccount.create", False, pod("serviceAccountName"), "default"),
    Case("serviceAccount.name", "reader", at("ServiceAccount", "metadata.name")),
    Case("serviceAccount.name", "reader", pod("serviceAccountName")),
    Case("serviceAccount.name", "reader", at("ClusterRoleBinding", "subjects.0.name")),
    Case("serviceAccount.annotations", {"a": "b"}, annotation("ServiceAccount", "a"), "b"),
    Case("serviceAccount.labels", {"team": "hpc"}, label("ServiceAccount", "team"), "hpc"),
    Case("metricsService.enabled", False, exists("Service")),
    Case("metricsService.annotations", {"a": "b"}, annotation("Service", "a"), "b"),
    *monitor("serviceMonitor", "ServiceMonitor", "spec.endpoints.0"),
    *monitor("podMonitor", "PodMonitor", "spec.podMetricsEndpoints.0"),
    Case("prometheusRule.enabled", True, exists("PrometheusRule")),
    Case("prometheusRule.namespace", "monitoring", at("PrometheusRule", "metadata.namespace")),
    Case("prometheusRule.labels", {"release": "prometheus"}, label("PrometheusRule", "release"), "prometheus"),
    Case("prometheusRule.alertLabels", {"team": "hpc"}, alert("CustomImageNoLeader", "labels.team"), "hpc"),
    Case("prometheusRule.alerts", {"CustomImageNoLeader": {"for": "9m"}}, alert("CustomImageNoLeader", "for"), "9m"),
    Case(
        "prometheusRule.runbookUrl",
        "https://wiki.example.com/runbook",
        alert("CustomImageNoLeader", "annotations.runbook_url"),
        "https://wiki.example.com/runbook#customimagenoleader",
    ),
    Case("prometheusRule.maximumAge", 5000, has(alert("CustomImagesNotRefreshed", "expr"), "> 5000"), True),
    Case("dashboard.enabled", True, exists("ConfigMap", "dashboard")),
    Case("dashboard.labels", {"board": "yes"}, label("ConfigMap", "board", "dashboard"), "yes"),
    Case("dashboard.annotations", {"grafana_folder": "HPC"}, annotation("ConfigMap", "grafana_folder", "dashboard"), "HPC"),
    Case("kubeStateMetrics.enabled", True, exists("ConfigMap", "kube-state-metrics")),
    Case("kubeStateMetrics.namespace", "monitoring", at("ConfigMap", "metadata.namespace", "kube-state-metrics")),
    Case("kubeStateMetrics.serviceAccount", "ksm", at("ClusterRoleBinding", "subjects.0.name", "kube-state-metrics")),
    Case("networkPolicy.enabled", True, exists("NetworkPolicy")),
    Case("networkPolicy.ingressFrom", [PEER], at("NetworkPolicy", "spec.ingress.0.from")),
    Case("networkPolicy.apiFrom", [PEER], at("NetworkPolicy", "spec.ingress.1.from.0"), PEER, {"api": {"enabled": True, "certificateSecret": "images-tls"}}),
    Case("networkPolicy.apiServerPorts", [8443], at("NetworkPolicy", "spec.egress.1.ports"), [{"port": 8443, "protocol": "TCP"}]),
    Case("networkPolicy.apiServerCidrs", ["10.0.0.1/32"], at("NetworkPolicy", "spec.egress.1.to"), [{"ipBlock": {"cidr": "10.0.0.1/32"}}]),
    Case("networkPolicy.awsCidrs", ["10.1.0.0/16"], at("NetworkPolicy", "spec.egress.2.to"), [{"ipBlock": {"cidr": "10.1.0.0/16"}}]),
    Case("networkPolicy.credentialCidrs", ["169.254.170.23/32"], at("NetworkPolicy", "spec.egress.3.to"), [{"ipBlock": {"cidr": "169.254.170.23/32"}}]),
    Case("networkPolicy.extraEgress", [{"to": [PEER]}], at("NetworkPolicy", "spec.egress.4"), {"to": [PEER]}),
    Case("resources", {"limits": {"memory": "1Gi"}}, container("resources.limits.memory"), "1Gi"),
    Case("podSecurityContext", {"fsGroup": 7}, pod("securityContext.fsGroup"), 7),
    Case("securityContext", {"runAsUser": 7}, container("securityContext.runAsUser"), 7),
    Case("podDisruptionBudget.enabled", False, exists("PodDisruptionBudget")),
    Case("podDisruptionBudget.maxUnavailable", "50%", at("PodDisruptionBudget", "spec.maxUnavailable")),
    Case("topologySpreadConstraints", [SPREAD], pod("topologySpreadConstraints")),
    Case("affinity", {"nodeAffinity": {}}, pod("affinity")),
    Case("nodeSelector", {"pool": "system"}, pod("nodeSelector"), {"kubernetes.io/os": "linux", "pool": "system"}),
    Case("tolerations", TOLERATION, pod("tolerations")),
    Case("priorityClassName", "system-cluster-critical", pod("priorityClassName")),
    Case("terminationGracePeriodSeconds", 60, pod("terminationGracePeriodSeconds")),
    Case("dnsPolicy", "Default", pod("dnsPolicy")),
    Case("dnsConfig", {"nameservers": ["10.0.0.53"]}, pod("dnsConfig")),
    Case("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["aws.example.com"]}], pod("hostAliases")),
    Case("podLabels", {"team": "hpc"}, at("Deployment", "spec.template.metadata.labels.team"), "hpc"),
    Case("podAnnotations", {"team": "hpc"}, at("Deployment", "spec.template.metadata.annotations.team"), "hpc"),
    Case("extraEnv", [{"name": "AWS_USE_FIPS_ENDPOINT", "value": "true"}], variable("AWS_USE_FIPS_ENDPOINT"), "true"),
    Case("extraVolumes", [{"name": "tmp", "emptyDir": {}}], pod("volumes.1"), {"name": "tmp", "emptyDir": {}}),
    Case("extraVolumeMounts", [{"name": "tmp", "mountPath": "/tmp"}], container("volumeMounts.1"), {"name": "tmp", "mountPath": "/tmp"}),
]
