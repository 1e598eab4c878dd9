"""For each value in files/forms.yaml: what is a right form of it, and what is a wrong one."""

ROLE = "arn:aws:iam::222233334444:role/customimage-reader"
DIGEST = "sha256:" + "a" * 64
OBJECT = (["pull", "a.b-c", "1", "a" * 63], ["Pull", "a_b", "-a", "a.", "a..b", "a b: c", "a" * 64])
DNS_LABEL = (["hpc", "1", "a-b"], ["Hpc", "a.b", "-a", "a-", "a b", "a" * 64])
OPTIONAL = ([""], [])
PERIOD = (["0", "30s", "1m30s", "1h", "500ms", "1y2w3d"], ["10", "ten seconds", "1.5s", "30s1m", "1 h", "-5s"])
KEY = (["a", "A.b_c-1", "example.com/a", "a" * 63], ["", "a b", "-a", "a/b/c", "Example.com/a", "a" * 64, "a: b"])
LABEL_VALUE = (["", "A.b_c-1"], ["a b", "-a", "a/b", "a" * 64])
CIDR = (
    ["10.0.0.0/8", "0.0.0.0/0", "255.255.255.255/32", "::/0", "fd00:ec2::23/128", "1:2:3:4:5:6:7:8/64", "1::8/64"],
    ["10.0.0.0", "10.0.0.0/33", "999.0.0.0/8", "10.0.0/8", "fd00::/129", "fd00::1", ":::/64", "1::2::3/64", "1:2:3:4:5:6:7:8:9/64", "aws.example.com"],
)
ARN = ([ROLE, "arn:aws-us-gov:iam::222233334444:role/a/path/to+=,.@-_role"],
       ["customimage-operator", "arn:aws:iam::2222:role/reader", "arn:aws:iam::222233334444:user/me", "arn:aws:iam::222233334444:role/", f"{ROLE} "])  # fmt: skip
REGION = (["eu-west-1", "us-gov-west-1", "eusc-de-east-1"], ["Ireland", "eu-west", "EU-WEST-1", "eu-west-123", "eu_west-1"])
LEVELS = (
    ["info", "WARN", "off", "Error", "debug", "trace", "warn,customimage_operator=debug", "info,kube::client=TRACE", "a-b=off"],
    ["warning", "", "info,", "verbose", "a=b=c", "=info", "info,kube", "1", "a[b{c=d}]=info", "info, kube=debug", "info kube=debug", "a=warning"],
)


def together(*pairs):
    """The right and the wrong forms of several kinds."""
    return tuple(sum(lists, []) for lists in zip(*pairs))


FORMS = {
    "prometheusRule.alertLabels.keys": (["team", "_a1"], ["example.com/team", "1a", "a-b", ""]),
    "prometheusRule.alerts.*.for": PERIOD,
    "prometheusRule.runbookUrl": together(OPTIONAL, (["https://wiki.example.com/runbook"], ["docs/runbook.md", "https://wiki.example.com/runbook#part", "https://a b"])),
    **{f"{monitor}.namespace": together(OPTIONAL, DNS_LABEL) for monitor in ("serviceMonitor", "podMonitor", "prometheusRule", "kubeStateMetrics")},
    **{f"{monitor}.{time}": together(OPTIONAL, PERIOD) for monitor in ("serviceMonitor", "podMonitor") for time in ("interval", "scrapeTimeout")},
    "kubeStateMetrics.serviceAccount": together(OPTIONAL, OBJECT),
    "global.imageRegistry": together(OPTIONAL, (["mirror.example.com", "localhost:5000/a/b/"], ["https://mirror.example.com", "a b", "mirror/Upper"])),
    "image.repository": (
        ["customimage-operator", "reg/x", "registry.example.com:5000/a/b_c--d.e", "localhost:5000/x", "[::1]:5000/x", "REG.example.com/x"],
        ["reg/x:1.0", f"reg/x@{DIGEST}", "reg/X", "https://reg/x", "reg/x/", "reg//x", "reg/x y", "reg/_x"],
    ),
    "image.tag": together(OPTIONAL, (["0.1.0", "v1_a-b", "a" * 128], ["1.0@sha256:a", "a b", ":1", "-a", "a/b", "a" * 129])),
    "image.digest": together(OPTIONAL, ([DIGEST], ["sha256:abc", "a" * 64, DIGEST.upper(), DIGEST + "a"])),
    "nameOverride": together(OPTIONAL, (["mirror-1"], ["a b: c", "Mirror", "a.b", "-a", "a-"])),
    "fullnameOverride": together(OPTIONAL, (["mirror-1", "a" * 70], ["a b: c", "Mirror", "a.b", "-a", "a-"])),
    "serviceAccount.name": together(OPTIONAL, OBJECT),
    "priorityClassName": together(OPTIONAL, OBJECT),
    "api.certificateSecret": together(OPTIONAL, OBJECT),
    "api.serverName": together(OPTIONAL, (["images.example.com", "customimage-operator-api.hpc.svc", "a"], ["https://a", "*.example.com", "Images", "a.", "a..b", "a:443", "a b"])),
    "api.audience": (["customimage-operator", "https://images.example.com/api", "A_b"], ["", "a b", "a\n", "ä"]),
    "imagePullSecrets.*.name": together(OBJECT, ([], [""])),
    "global.imagePullSecrets.*": together(OBJECT, ([], [""])),
    "global.imagePullSecrets.*.name": together(OBJECT, ([], [""])),
    "aws.caBundle.*.name": together(OBJECT, ([], [""])),
    "aws.caBundle.*.key": (["ca.crt", "A-b_c", ".a"], ["", ".", "..", "a/b", "a b"]),
    "watchNamespaces.*": together(DNS_LABEL, ([], [""])),
    "identities.*.namespaces.*": together(DNS_LABEL, ([], [""])),
    **{f"{labels}.keys": KEY for labels in ("commonLabels", "podLabels", "nodeSelector", "serviceAccount.labels", "api.service.labels", "serviceMonitor.labels", "podMonitor.labels",
                                            "prometheusRule.labels", "dashboard.labels", "serviceAccount.annotations", "podAnnotations",
                                            "metricsService.annotations", "api.service.annotations", "dashboard.annotations")},
    **{f"{labels}.*": LABEL_VALUE for labels in ("commonLabels", "podLabels", "nodeSelector", "serviceAccount.labels", "api.service.labels", "serviceMonitor.labels", "podMonitor.labels",
                                                 "prometheusRule.labels", "dashboard.labels")},
    "aws.region": together(OPTIONAL, REGION),
    "identities.*.regions.*": together(REGION, ([], [""])),
    "aws.partition": (["aws", "aws-cn", "aws-iso-b"], ["", "azure", "AWS", "aws cn"]),
    "aws.accountId": together(OPTIONAL, (["111122223333"], ["1111", "1111222233334", "11112222333a"])),
    "aws.roleArn": together(OPTIONAL, ARN),
    "identities.*.roleArn": together(ARN, ([], [""])),
    "identities.*.name": together(DNS_LABEL, ([], [""])),
    "identities.*.externalId": (["ab", "a:b/c", "x" * 1224], ["", "x", "with space", "x" * 1225]),
    "identities.*.sessionName": (["hpc", "a+=,.@-_9", "x" * 64], ["", "a", "a/b", "x" * 65]),
    "aws.endpointUrl": together(OPTIONAL, (["http://aws.example.com", "https://aws.example.com:8443/a", "http://[::1]:80", "http://a:65535"],
                                           ["aws.example.com", "ftp://a", "https://", "https://a b", "https://a?b", "https://a:99999", "https://a:abc"])),
    "proxy.https": together(OPTIONAL, (["http://proxy:3128", "https://proxy.example.com/"], ["proxy:3128", "http://", "http://proxy/a", "http://a b", "http://:3128", "http://a:0", "http://[::1"])),
    "proxy.noProxy.*": ([".example.com", "10.0.0.0/8", "fd00::1"], ["", "a,b", "a b"]),
    "iamPolicy.buckets.*": (["ours", "a.b-1"], ["", "s3://ours", "Ours", "a/b", "-ours"]),
    "log.filter": LEVELS,
    "networkPolicy.apiServerCidrs.*": CIDR,
    "networkPolicy.awsCidrs.*": CIDR,
    "networkPolicy.credentialCidrs.*": CIDR,
    "extraEnv.*.name": (["A_B", "a.b-c", "1"], ["", "A=B", "Ä"]),
}  # fmt: skip
