"""The condition table, row by row: the state of AWS, the Ready that the operator must write, and kstatus's verdict.

There is no row for a stack that is DELETE_COMPLETE, because CloudFormation does not find it by its name.
"""

from dataclasses import dataclass, field

from pretended_aws import build, build_arn, fault, image, refusal, stack

#: The namespaces of the rows, each with its operator: one with the table's own periods, one with periods of a second,
#: one with a short staleness budget, none yet, and none any more.
PATIENT, HASTY, STALE, UNWATCHED, LEFT = "rows", "rows-overdue", "rows-stale", "rows-unwatched", "rows-left"
CURRENT, IN_PROGRESS, FAILED = "Current", "InProgress", "Failed"


@dataclass
class Row:
    name: str
    ready: tuple
    verdict: str
    namespace: str = PATIENT
    #: The state of AWS before the object is created, and the change after the operator has observed the image.
    aws: dict = field(default_factory=dict)
    then: dict = field(default_factory=dict)
    spec: dict = field(default_factory=dict)
    then_spec: dict = field(default_factory=dict)
    then_gone: bool = False

    @property
    def is_seen_first(self):
        return bool(self.then or self.then_spec or self.then_gone)

    @property
    def keeps_ready(self):
        """An outage and a suspension do not change Ready. Only Synced shows that the operator has noticed them."""
        return bool(self.then_spec.get("suspend") or (self.then and self.ready[0] == "True"))

    @property
    def health(self):
        """The expected health status in Argo CD."""
        if {**self.spec, **self.then_spec}.get("suspend"):
            return "Suspended"
        return {CURRENT: "Healthy", IN_PROGRESS: "Progressing", FAILED: "Degraded"}[self.verdict]


def ami(name, state, ready, reason, verdict, **more):
    return Row(name, (ready, reason), verdict, aws={"images": [image(name, state)]}, **more)


def of_stack(name, status, build_status, ready, reason, verdict, **more):
    builds = [build(name, build_status)] if build_status else []
    return Row(name, (ready, reason), verdict, aws={"stacks": [stack(name, status)], "image_build_versions": builds}, **more)


def troubled(name, region, kind, ready, reason, verdict, seen=False, **more):
    """A row in its own region, where AWS fails: from the start, or after the image was observed (`seen`)."""
    there, trouble = {"images": [image(name, region=region)]}, {"faults": [fault(region, kind)]}
    worlds = {"aws": there, "then": trouble} if seen else {"aws": {**there, **trouble}}
    return Row(name, (ready, reason), verdict, spec={"region": region}, **worlds, **more)


DENIED = refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
ROWS = [
    Row("new", (None, None), IN_PROGRESS, namespace=UNWATCHED),
    troubled("throttled-at-first", "eu-west-2", "throttle", "Unknown", "NotYetObserved", IN_PROGRESS),
    Row("suspended-at-first", ("Unknown", "Suspended"), IN_PROGRESS, spec={"suspend": True}),
    ami("available", "available", "True", "ImageAvailable", CURRENT),
    ami("pending", "pending", "False", "ImagePending", IN_PROGRESS),
    ami("transient", "transient", "False", "ImagePending", IN_PROGRESS),
    *(ami(state, state, "False", "ImageUnusable", FAILED) for state in ("invalid", "failed", "error", "deregistered")),
    ami("of-tomorrow", "hibernating", "Unknown", "UnknownBuildStatus", IN_PROGRESS),
    of_stack("complete", "CREATE_COMPLETE", "AVAILABLE", "False", "Finalizing", IN_PROGRESS),
    of_stack("tagged-any-moment", "DELETE_IN_PROGRESS", "AVAILABLE", "False", "Finalizing", IN_PROGRESS),
    Row("orphaned", ("False", "OrphanedImage"), FAILED, namespace=HASTY, aws={
        "stacks": [stack("orphaned", "CREATE_COMPLETE")], "image_build_versions": [build("orphaned", "AVAILABLE")],
        "images": [image("of-orphaned", tags=[["Ec2ImageBuilderArn", build_arn("orphaned")]])]}),
    of_stack("building", "CREATE_IN_PROGRESS", "BUILDING", "False", "Building", IN_PROGRESS),
    of_stack("deleting", "DELETE_IN_PROGRESS", "CANCELLED", "False", "Deleting", IN_PROGRESS),
    of_stack("build-failed", "CREATE_FAILED", "FAILED", "False", "BuildFailed", FAILED),
    of_stack("rolled-back", "ROLLBACK_COMPLETE", None, "False", "BuildFailed", FAILED),
    of_stack("delete-failed", "DELETE_FAILED", None, "False", "DeleteFailed", FAILED),
    of_stack("unmapped", "UPDATE_FAILED", None, "Unknown", "UnknownBuildStatus", IN_PROGRESS),
    Row("absent", ("False", "NotFound"), IN_PROGRESS),
    Row("absent-for-good", ("False", "NotFound"), FAILED, namespace=HASTY),
    Row("deleted", ("False", "Deleted"), FAILED, aws={"images": [image("deleted")]}, then_gone=True),
    ami("disabled", "available", "False", "ImageUnusable", FAILED, then={"images": [image("disabled", "disabled")]}),
    troubled("outage", "eu-west-3", "reset", "True", "ImageAvailable", CURRENT, seen=True),
    troubled("stale", "eu-north-1", "reset", "Unknown", "Stale", IN_PROGRESS, seen=True, namespace=STALE),
    troubled("denied-later", "eu-south-1", DENIED, "Unknown", "AccessDenied", FAILED, seen=True),
    troubled("expired-later", "us-west-1", refusal(400, "RequestExpired", "Request has expired."), "Unknown", "InvalidCredentials", FAILED, seen=True),
    troubled("denied", "eu-central-1", DENIED, "Unknown", "AccessDenied", FAILED),
    troubled("without-credentials", "us-east-1", refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
             "Unknown", "InvalidCredentials", FAILED),
    Row("refused", ("Unknown", "InvalidRequest"), FAILED, spec={"region": "us-east-2"},
        aws={"faults": [fault("us-east-2", refusal(400, "ValidationError", "1 validation error detected"), "cloudformation", "DescribeStacks")]}),
    Row("nowhere", ("Unknown", "UnknownRegion"), FAILED, spec={"region": "xx-nope-1"}),
    Row("of-others", ("Unknown", "IdentityNotAllowed"), FAILED, spec={"identity": "nobodys"}),
    ami("suspended-later", "available", "True", "ImageAvailable", CURRENT, then_spec={"suspend": True}),
    of_stack("suspended-failed", "CREATE_FAILED", "FAILED", "False", "BuildFailed", FAILED, then_spec={"suspend": True}),
    # Its spec has changed, and no operator has reconciled it since.
    ami("behind", "available", "True", "ImageAvailable", IN_PROGRESS, namespace=LEFT, then_spec={"suspend": False}),
]
