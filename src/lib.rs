//! The map of the code.
//!
//! The operator is a mirror with two glass sides. AWS is read the way kube reads an API server: a reflector for each scope
//! (identity, region) keeps a store of observations fresh by batched reads. An observation that has changed triggers the objects
//! that subscribed to it. The next status is a pure function.
//!
//! ```text
//!     CustomImage ──watch──▶ controller ──subscribe──▶ reflector(scope) ──observe(ids)──▶ AWS
//!          ▲                  │      ▲                     │ store
//!          └── status write ──┘      └── changed images ───┘
//! ```
//!
//! The rooms, from the top down. A room imports only what stands below it, no file imports itself by way of others, and
//! `tests/house` fails on a forbidden import:
//!
//! - `process`: the program. One file a command (`run`, `describe`, `list`, `check`); `args`: each flag with its default, beside
//!   what it becomes; `configuration`: the file of identities; `http`: probes and /metrics.
//! - `kubernetes`: the only code that names kube.
//!   `custom_image`: the resource, its columns and the CRD.
//!   `controller`: watches, triggers, gauges at a scrape.
//!   `reconcile`: one object in five steps (wanted, look up, decide, write, publish).
//!   `status`: pure; the reasons of Ready, the condition table (`verdict`), Events (`transition`).
//!   `identities`: who may use which credentials; label selectors of namespaces.
//!   `watch`, `leadership`, `metrics` (counters), `rights` (what the operator may do).
//! - `aws`: the only code that names the AWS SDK. One file a service; `budget`: the share of AWS's limits; `throttling`: the codes
//!   that are called throttled and tried again; `credentials`, `error`, `pagination`.
//! - `reflector`: what AWS says of the images that somebody subscribes to, and when each is read next (`intervals`).
//!   It knows neither Kubernetes nor the SDK.
//! - `describe_image`: the domain, pure. The response and its rules, the order of reads (`observe`), and the port to AWS
//!   (`source`: how urgent a read is, how many ids a call takes, how long a page is).
//! - `backoff`, `packed`, `proxy`: ground that all stand on.

pub mod aws;
mod backoff;
pub mod describe_image;
pub mod kubernetes;
mod packed;
pub mod process;
mod proxy;
mod reflector;
