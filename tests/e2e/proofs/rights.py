"""Least privilege, from the requests at the API server and AWS: none was refused, and no granted right was unused."""

import json

from proof import OWN_NODE, proof
from shell import eventually, require
from stage import NAMESPACE

#: Rights that are granted and not used in a good run, each with its reason.
UNUSED = {("parallelcluster.dev", "customimages", "list"): "for API servers that refuse streaming lists; this one streams them, as a watch"}
ACTIONS = {
    ("ec2", "DescribeImages"): "ec2:DescribeImages",
    ("cloudformation", "DescribeStacks"): "cloudformation:DescribeStacks",
    ("cloudformation", "DescribeStackResource"): "cloudformation:DescribeStackResource",
    ("cloudformation", "DescribeStackEvents"): "cloudformation:DescribeStackEvents",
    ("imagebuilder", "GetImage"): "imagebuilder:GetImage",
    ("logs", "DescribeLogStreams"): "logs:DescribeLogStreams",
    ("logs", "GetLogEvents"): "logs:GetLogEvents",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("sts", "AssumeRole"): "sts:AssumeRole",
}
#: Actions that are granted but not called, and calls that need no grant, each with its reason.
NO_CALL = {"s3:GetObject": "the reader of a presigned URL calls it",
           "cloudformation:ListStacks": "DescribeStacks without a name needs it, too"}
NO_GRANT = {("sts", "GetCallerIdentity"): "needs no permission; only check calls it"}


def requests(stage):
    """The requests of the operator's ServiceAccounts, each once, in order of time."""
    path = stage.kubectl.kubeconfig.rsplit("/", 1)[0] + "/audit.log"
    with open(path, encoding="utf-8") as log:
        events = [json.loads(line) for line in log]
    ours = [event for event in events if event["user"]["username"].startswith(f"system:serviceaccount:{NAMESPACE}:")]
    return sorted((event for event in ours if event["stage"] == "ResponseComplete" or event["verb"] == "watch"), key=lambda event: event["stageTimestamp"])


def asked(event):
    what = event.get("objectRef", {})
    resource = what.get("resource", "") + (f"/{what['subresource']}" if what.get("subresource") else "")
    return what.get("apiGroup", ""), resource, event["verb"]


@proof("every request of the ServiceAccount was allowed while its release was installed, and every granted right was used", needs=OWN_NODE)
def kubernetes_rights(stage):
    seen = requests(stage)
    require(len(seen) > 100, "the audit log holds the run", len(seen))
    refused = [event for event in seen if event["annotations"].get("authorization.k8s.io/decision") != "allow"]
    # Helm removes rights before the pods that use them have ended.
    changing = [event for event in refused
                if any(begin <= event["stageTimestamp"] <= end and event["sourceIPs"][0] in ended for begin, end, ended in stage.changes)]
    # An API server that has just started refuses requests until it has read the RBAC rules.
    starting = [event for event in refused if any(begin <= event["stageTimestamp"] <= end for begin, end in stage.restarts)]
    excused = changing + starting
    standing = [(event["stageTimestamp"], event["sourceIPs"], asked(event)) for event in refused if event not in excused]
    require(not standing, "nothing was refused while a release was installed", standing)
    used = {asked(event) for event in seen}
    granted = {(group, resource, verb) for rule in map(json.loads, set(stage.granted))
               for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]}
    require(granted, "rules were seen")
    unused = granted - used - set(UNUSED)
    require(not unused, "no granted right is unused", unused)
    others = {each for each in used - granted if each[0] not in ("authorization.k8s.io",) and each[1]}
    require(not others, "no other right was used, except those of every ServiceAccount", others)
    spared = "".join(f"; {verb} {resource}: {why}" for (_, resource, verb), why in UNUSED.items())
    return f"{len(seen)} requests, {len(granted)} rights: each used{spared}; none refused except {len(changing)} to pods that Helm was ending and {len(starting)} by an API server that was starting"


@proof("the chart's policy allows each call to AWS, each action of the policy has a call or a reason, and nothing was written")
def aws_rights(stage):
    policy = json.loads(stage.rendered_policy())
    granted = {action for statement in policy["Statement"] for action in [statement["Action"]] for action in ([action] if isinstance(action, str) else action)}
    calls = {(service, operation) for service, operation, _ in stage.aws.calls()}
    unknown = calls - set(ACTIONS) - set(NO_GRANT)
    require(not unknown, "every call is in the table", unknown)
    missing = {ACTIONS[call] for call in calls if call in ACTIONS} - granted
    require(not missing, "every call's action is granted", missing)
    idle = granted - {ACTIONS[call] for call in calls if call in ACTIONS} - set(NO_CALL)
    require(not idle, "every granted action has a call", idle)
    require(stage.aws.writes() == 0, "nothing in AWS was changed")
    return "AWS: " + ", ".join(f"{operation} {sum(count for (_, each, _), count in stage.aws.calls().items() if each == operation)}" for _, operation in sorted(calls))


@proof("never two writers: each status was written by the pod that held the Lease", needs=OWN_NODE)
def one_writer(stage):
    holder, taken, wrong = None, [], []
    for event in requests(stage):
        pod = event["sourceIPs"][0]
        group, resource, verb = asked(event)
        if event["responseStatus"]["code"] >= 300:
            continue
        if resource == "leases" and verb in ("create", "update"):
            if pod != holder:
                taken.append(pod)
            holder = pod
        elif resource == "customimages/status" and pod != holder:
            wrong.append((event["stageTimestamp"], pod, holder))
    require(not wrong, "each writer leads", wrong)
    require(len(taken) > 8, "the Lease has changed hands", len(taken))
    return f"the Lease changed hands {len(taken)} times"
