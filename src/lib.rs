//! The map of the code.
//!
//! The operator is a mirror with two glass sides. AWS is read the way kube reads an API server: a reflector for each scope
//! (identity, region) keeps a store of observations fresh by batched reads. An observation that has changed triggers the
//! objects that subscribed to it. The next status is a pure function.
//!
//! ```text
//!     CustomImage ──watch──▶ controller ──subscribe──▶ reflector(scope) ──observe(ids)──▶ AWS
//!          ▲                  │      ▲                     │ store
//!          └── status write ──┘      └── changed images ───┘
//! ```
//!
//! The rooms, from the top down. A room imports only what stands below it, and no file imports itself by way of others.
//! `tests/house` checks that.
//!
//! - `process`: the program. One file a command (`run`, `describe`, `list`, `logs`, `events`, `serve`, `check`). `args`: each
//!   flag with its default, in groups (`args/run`, `args/timing` for intervals and grace periods, …), beside what it becomes.
//!   `configuration`: the file of identities. `http`: probes and /metrics. `metrics`: calls to AWS. `api`: the HTTP interface
//!   in the cluster. `followed`: files whose changes need no restart.
//! - `kubernetes`: the only code that names kube.
//!   - `custom_image`: the resource, its columns and the CRD.
//!   - `controller`: watches and triggers. `controller/gauges`: gauges of all objects. `metrics`: counters of reconciles.
//!   - `reconcile`: one object in five steps: subscribe to what it wants, look up, decide, write, publish. `requeue`: when it
//!     comes again. `contest`: other writers. `unwritten`: failed writes. `pace`: many failures at once. `events`: the queue.
//!   - `status`: pure. `ready_reason`: the reasons of Ready. `verdict`: the condition table with its messages, one file for
//!     each case; `verdict/build_failed` has the words about a failed build. `transition`: Events. `build_story`: what
//!     status.build and status.failure remember. `build_times`: its times and its log.
//!   - `identities`: who may use which credentials. `identities/selector`: label selectors.
//!   - `watch`: the watch of CustomImages. `watch/readiness`: whether it works. `watch/comparison`: compares the store with a
//!     new list, in case the watch has missed something.
//!   - `leadership` (the Lease), `rights` (what the operator may do in the cluster), `client` (credentials, proxy).
//!   - `callers`: who calls the HTTP interface, and what they may. `mirror`: what the interface reads of the controller.
//!   - `told`: how a failure of the API server is told, once.
//! - `http_api`: the HTTP interface of the API's reading operations, over a port of its own. It opens no socket.
//! - `aws`: the only code that names the AWS SDK. One file a service. `budget`: the share of AWS's limits. `turns`: whose
//!   call comes next. `reply_bytes`: how much replies may hold. `throttling`: the error codes that are called throttled, and
//!   are retried. `credentials`, `error`, `pagination`, `probe` (permissions), `story` (log and
//!   stack events).
//! - `reflector`: what AWS says of the images that have subscribers. `lane`: the images of one scope. `entry`: one image.
//!   `intervals`: when each is read next (the durations are flags: `process/args/timing`). `reader`: the task that reads.
//!   `ask`, `guests`: images that are asked for without a subscription. `lane_context`, `stack_queue`: stacks by name or in a sweep, by turns of tenants.
//! - `describe_image`: the domain, pure. The response and its rules, the order of reads (`observe`), and the port to AWS
//!   (`source`): how urgent a read is and for whom, how many ids a call takes, and how long a page is.
//! - `backoff` (pauses that double), `clock` (the wall clock), `fit` (maps that give memory back), `packed` (values as compressed JSON), `plain_text`
//!   (text of others, made safe for a line), `proxy`: ground that all stand on.

pub mod aws;
mod backoff;
pub mod clock;
pub mod describe_image;
mod fit;
mod http_api;
pub mod kubernetes;
mod packed;
mod plain_text;
pub mod process;
mod proxy;
pub mod reflector;
#[cfg(test)]
mod tests;
