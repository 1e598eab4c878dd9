/// The budget: the share of AWS's limits that the operator uses.
mod budget;
/// Other writers, writes that fail, and what users can make too much of.
mod contests;
/// Events: their series, and objects with long names.
mod events;
/// Identities: whose credentials are used, which namespaces may use them, which namespaces are watched.
mod identities;
/// Leader election between replicas.
mod leadership;
/// The status follows AWS: builds, failed builds, available, missing and deleted images.
mod mirror;
/// AWS errors: the grace period, the recovery, and what they do not change.
mod trouble;
/// Cases from public issues in which a status could contradict AWS.
mod truth;
/// The watch: what it misses, when it hangs, when it is refused, and what then is told.
mod watching;
/// What users set: suspend, a requested reconcile, another default region, presigned URLs.
mod wishes;
/// Status writes: how often, and beside other writers.
mod writes;
