/// How much of its limits AWS is asked.
mod budget;
/// Whose credentials, and who may use them; which namespaces.
mod identities;
/// Several replicas: one leads, the others stand by.
mod leadership;
/// What AWS says, as it shows.
mod mirror;
/// Errors of AWS: grace, recovery, what they leave alone.
mod trouble;
/// Cases of real people in which a status could say what AWS does not.
mod truth;
/// What people ask of an object: suspend, look now, another region.
mod wishes;
/// How often is written, and against whom.
mod writes;
