//! How time goes in the world; the running clock is in `crate::clock`.

use serde::{Deserialize, Serialize};

/// Read when the world is loaded; later changes of it do nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockSetting {
    pub mode: ClockMode,
    /// RFC 3339; absent: the moment the world is loaded.
    pub start: Option<String>,
    /// World seconds a real second, in mode `real`.
    pub speed: f64,
}

impl Default for ClockSetting {
    fn default() -> Self {
        Self { mode: ClockMode::Real, start: None, speed: 1.0 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    #[default]
    Real,
    /// Stands still until it is advanced or set.
    Manual,
}
