//! The HTTP interface under `/_simulator/`: the library's methods, for tests in other processes.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::clock::written;
use crate::dispatch::Shared;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::State;
use crate::world::{Action, Build, Fault, World};

/// Answers a request under `/_simulator/`; `None` for any other path.
pub(crate) fn control(request: &Request, shared: &Shared) -> Option<Reply> {
    let path = request.path.strip_prefix("/_simulator/")?;
    let mut state = shared.lock();
    state.catch_up();
    let answer = route(&request.method, path, request, &mut state);
    Some(match answer {
        Ok(value) => Reply::json(200, value.to_string()),
        Err(Refused(status, problem)) => Reply::json(status, json!({ "error": problem }).to_string()),
    })
}

struct Refused(u16, String);

impl From<String> for Refused {
    fn from(problem: String) -> Self {
        Self(400, problem)
    }
}

fn route(method: &str, path: &str, request: &Request, state: &mut State) -> Result<Value, Refused> {
    match (method, path) {
        ("GET", "health") => Ok(json!({ "status": "ok" })),
        ("GET", "world") => to_value(&state.world),
        ("PUT", "world") => Ok(state.replace(body::<World>(request)?).map(|()| done())?),
        ("POST", "patch") => edit(state, body(request)?, patch),
        ("POST", "do") => edit(state, items(request)?, apply),
        ("POST", "builds") => edit(state, items(request)?, add_builds),
        ("POST", "faults") => edit(state, items(request)?, add_faults),
        ("DELETE", "faults") => edit(state, vec![Action::ClearFaults], apply),
        ("GET", "calls") => to_value(&state.calls.report()),
        ("DELETE", "calls") => {
            state.calls = Default::default();
            Ok(done())
        }
        ("GET", "clock") => Ok(clock(state)),
        ("PUT", "clock") => set_clock(state, body(request)?),
        _ => Err(Refused(404, format!("there is no {method} /_simulator/{path}"))),
    }
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Refused> {
    serde_json::from_slice(&request.body).map_err(|error| Refused(400, error.to_string()))
}

fn to_value(value: &impl serde::Serialize) -> Result<Value, Refused> {
    serde_json::to_value(value).map_err(|error| Refused(500, error.to_string()))
}

fn done() -> Value {
    json!({ "ok": true })
}

/// Parses one item, or a list of items.
fn items<T: DeserializeOwned>(request: &Request) -> Result<Vec<T>, Refused> {
    let is_list = request.body.trim_ascii_start().starts_with(b"[");
    if is_list { body(request) } else { Ok(vec![body(request)?]) }
}

fn patch(world: &mut World, patch: Value, _now: &str) -> Result<(), String> {
    world.merge(&patch)
}

fn add_builds(world: &mut World, builds: Vec<Build>, _now: &str) -> Result<(), String> {
    world.builds.extend(builds);
    Ok(())
}

fn add_faults(world: &mut World, faults: Vec<Fault>, _now: &str) -> Result<(), String> {
    world.faults.extend(faults);
    Ok(())
}

fn apply(world: &mut World, actions: Vec<Action>, now: &str) -> Result<(), String> {
    actions.into_iter().try_for_each(|action| world.apply(action, now))
}

/// Changes a copy of the world first, so that an invalid change has no effect.
fn edit<T>(
    state: &mut State,
    what: T,
    change: impl FnOnce(&mut World, T, &str) -> Result<(), String>,
) -> Result<Value, Refused> {
    let mut world = state.world.clone();
    change(&mut world, what, &written(state.clock.now()))?;
    world.settle()?;
    state.world = world;
    state.world_changed()?;
    Ok(done())
}

fn clock(state: &State) -> Value {
    json!({ "now": written(state.clock.now()), "elapsed": state.clock.elapsed() })
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ClockChange {
    /// In seconds.
    Advance(f64),
    /// RFC 3339.
    Set(String),
}

fn set_clock(state: &mut State, change: ClockChange) -> Result<Value, Refused> {
    match change {
        ClockChange::Advance(seconds) => state.clock.advance(seconds),
        ClockChange::Set(time) => state.clock.set(time.parse().map_err(|error| Refused(400, format!("set: {error}")))?),
    }
    state.catch_up();
    Ok(clock(state))
}
