"""The restricted Pod Security Standard: finds the violations in a pod's spec."""

HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
SECCOMP = {"RuntimeDefault", "Localhost"}
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}  # fmt: skip
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def offences(spec):
    return [*of_pod(spec), *(f"{one['name']}: {offence}" for one in containers(spec) for offence in of_container(one, spec))]


def containers(spec):
    return [one for kind in ("initContainers", "containers", "ephemeralContainers") for one in spec.get(kind) or []]


def of_pod(spec):
    yield from (name for name in HOST_NAMESPACES if spec.get(name))
    for volume in spec.get("volumes") or []:
        yield from (f"volume of type {kind}" for kind in volume.keys() - {"name"} - VOLUMES)
    context = spec.get("securityContext") or {}
    yield from (f"sysctl {one['name']}" for one in context.get("sysctls") or [] if one["name"] not in SYSCTLS)
    yield from of_either(context)


def of_container(container, spec):
    context, pod = container.get("securityContext") or {}, spec.get("securityContext") or {}
    yield from of_either(context)
    yield from ("hostPort" for port in container.get("ports") or [] if port.get("hostPort"))
    if context.get("privileged"):
        yield "privileged"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or []):
        yield "capabilities are not dropped"
    if set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    if context.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    seccomp = context.get("seccompProfile") or pod.get("seccompProfile") or {}
    if seccomp.get("type") not in SECCOMP:
        yield "no seccomp profile"


def of_either(context):
    """The checks that are the same for the security contexts of a pod and of a container."""
    if context.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if (context.get("seccompProfile") or {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield "seccomp is unconfined"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield "AppArmor is unconfined"
    selinux = context.get("seLinuxOptions") or {}
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield "hostProcess"
