//! From the command line to the controller's settings.

use crate::describe_image::image_id::InvalidRegion;
use crate::describe_image::{ApiError, Region};
use crate::kubernetes::reconcile::context::Settings;
use crate::kubernetes::{chance, status};
use crate::process::args::{ConfigurationUrl, RunArgs, TimingArgs};
use crate::reflector::intervals::Intervals;
use crate::{aws, reflector};
use jiff::SignedDuration;
use std::time::Duration;

/// The region that was asked for, else the environment's.
///
/// # Errors
/// When the environment names something that is no region.
pub async fn default_region(asked: Option<Region>) -> Result<Option<Region>, InvalidRegion> {
    match asked {
        Some(region) => Ok(Some(region)),
        None => aws::default_region().await.map(|name| Region::parse(&name)).transpose(),
    }
}

/// The region that was asked for, else the environment's, as the API does it.
///
/// # Errors
/// The API's own, when there is none or it is no region.
pub async fn asked_region(asked: Option<String>) -> Result<Region, ApiError> {
    let name = match asked.filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => aws::default_region().await.ok_or_else(|| ApiError::bad_request("region needs to be set"))?,
    };
    Ok(Region::parse(&name)?)
}

/// The settings of a controller whose objects without a region are of `default_region`.
#[must_use]
pub fn of(args: &RunArgs, default_region: Option<Region>) -> Settings {
    Settings {
        namespaces: args.mirror.namespaces(),
        status: status_settings(&args.timing),
        intervals: intervals(&args.timing),
        default_region,
        presigned_urls: args.mirror.configuration_url == ConfigurationUrl::Presigned,
        write_timeout: args.write_timeout,
        concurrency: args.concurrency,
    }
}

/// How AWS is read.
#[must_use]
pub fn of_reflector(args: &RunArgs) -> reflector::Settings {
    reflector::Settings {
        window: args.batch_window,
        intervals: intervals(&args.timing),
        overdue: args.timing.staleness_budget,
        shares_calls: args.batching,
        chance: chance::number,
    }
}

fn status_settings(timing: &TimingArgs) -> status::Settings {
    status::Settings {
        not_found_grace: signed(timing.not_found_grace),
        finalizing_period: signed(timing.finalizing_period),
        error_grace: signed(timing.error_grace),
        staleness_budget: signed(timing.staleness_budget),
    }
}

fn intervals(timing: &TimingArgs) -> Intervals {
    Intervals {
        in_progress: timing.in_progress_interval,
        settled: timing.settled_interval,
        absent: timing.absent_interval,
        absent_max: timing.absent_interval_max,
        error: timing.error_interval,
        error_max: timing.error_interval_max,
        finalizing: timing.finalizing_period,
    }
}

/// A command line's time is at most a year.
fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
