//! A deterministic simulation of the operator. The real controller, reflector, budget, election and status run in one thread,
//! in virtual time, between an API server and an AWS in memory. A seed decides everything that happens. Oracles check after
//! each step that no status says what AWS does not.
//!
//! ```text
//!     plan (seed) ──▶ run ──▶ users, weather, lives of processes
//!                      │
//!     api_server ◀──▶ replica (the real operator, twice) ◀──▶ aws (the simulator, in process)
//!          │                                                     │
//!          └────────────────▶ oracle ◀───────────────────────────┘
//! ```
//!
//! - `plan`: from a seed to what happens; `users`, `weather`: what users do, and which faults strike
//! - `processes`: all of them; `replica`: a process of the operator; `sdk`: its AWS SDK; `time`: its clock
//! - `api_server`, `aws`: the two worlds in memory
//! - `oracle`: what must hold; `trace`: the story of what happened; `run`: one simulation
//! - `crash`: a crash at each interaction of a fixed script; `life`: whether a process still lives

pub mod api_server;
pub mod aws;
pub mod crash;
pub mod life;
pub mod oracle;
pub mod plan;
pub mod processes;
pub mod replica;
pub mod run;
pub mod sdk;
pub mod time;
pub mod trace;
pub mod users;
pub mod weather;
