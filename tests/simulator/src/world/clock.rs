//! The settings of the world's clock. The running clock is in `crate::clock`.

use serde::{Deserialize, Serialize};

/// Read when the world is loaded. Later changes have no effect.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockSetting {
    pub mode: ClockMode,
    /// In RFC 3339. If absent, the moment at which the world is loaded.
    pub start: Option<String>,
    /// World seconds per real second, in mode `real`.
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
    /// Does not move until it is advanced or set.
    Manual,
}
