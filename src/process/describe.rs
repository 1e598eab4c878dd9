//! The command `describe`: prints one describeImage answer on stdout, as the official program does. Remarks go to stderr.

mod order;

use crate::aws::Aws;
use crate::describe_image::image_config::{self, NOT_AVAILABLE};
use crate::describe_image::observe::plan::Plan;
use crate::describe_image::observe::{ObserveError, observe_one};
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::{self, ApiError, DescribeImageResponse, ImageId, Observation, Scope};
use crate::process::args::describe::DescribeArgs;
use crate::process::args::region::asked_region;
use crate::process::exit_code;
use crate::process::stderr::{CountCalls, remark, with_progress};
use crate::process::stdout::{print, put};
use jiff::Timestamp;
use order::InOrder;
use std::process::ExitCode;
use std::sync::Arc;

pub async fn run(args: DescribeArgs) -> ExitCode {
    match answer(&args).await {
        Ok(response) => match serde_json::to_value(&response) {
            Ok(value) => print(&InOrder(&value), args.output, ExitCode::SUCCESS),
            Err(error) => put(Err(error.to_string()), ExitCode::FAILURE),
        },
        Err(error) => print(&error, args.output, exit_code::of(&error)),
    }
}

async fn answer(args: &DescribeArgs) -> Result<DescribeImageResponse, ApiError> {
    let id = ImageId::parse(&args.image_id)?;
    let scope = Scope::default_identity(asked_region(args.region.clone()).await?);
    let calls = Arc::new(CountCalls::default());
    let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), calls.clone()).await;
    let what = format!("{id} in {}", scope.region);
    with_progress(&what, &calls, described(&aws, &scope, &id)).await
}

async fn described(aws: &Aws, scope: &Scope, id: &ImageId) -> Result<DescribeImageResponse, ApiError> {
    let mut observation = observe_one(aws, scope, id, Plan::once(), &()).await.map_err(with_fix)?;
    if let Observation::Ami { ami, .. } = &observation
        && ami.is_disabled()
    {
        let ami_id = ami.id.as_deref().unwrap_or_default();
        remark(&format!("AMI {ami_id} of this image is DISABLED: the API answers as if it did not exist"));
        observation = observe_one(aws, scope, id, official_plan(), &()).await.map_err(with_fix)?;
    }
    remarks(id, &observation).iter().for_each(|text| remark(text));
    response(aws, scope, id, &observation).await
}

/// The plan of a read for the API's own answer. For the API, a disabled AMI does not exist.
pub fn official_plan() -> Plan {
    Plan { includes_disabled: false, ..Plan::once() }
}

/// The API's answer for an observed image, with a URL that opens its configuration.
///
/// # Errors
/// If AWS has neither an AMI nor a stack.
pub async fn response(
    aws: &Aws,
    scope: &Scope,
    id: &ImageId,
    observation: &Observation,
) -> Result<DescribeImageResponse, ApiError> {
    let mut response = describe_image::describe(id, &scope.region, observation)?;
    response.image_configuration.url = presigned_url(aws, scope, observation).await;
    Ok(response)
}

/// Facts for which the API's answer has no field.
pub fn remarks(id: &ImageId, observation: &Observation) -> Vec<String> {
    let mut remarks = Vec::new();
    match observation {
        Observation::Ami { ami, refused, .. } => {
            let refused = refused.as_ref();
            remarks.extend(refused.map(|error| format!("{}: {error}; the url is not known", error.action())));
            let is_past = |time: &Timestamp| *time <= Timestamp::now();
            let deprecated = ami.deprecated_at.filter(is_past);
            remarks.extend(deprecated.map(|since| format!("the AMI has been deprecated since {since:.0}")));
        }
        Observation::Stack { refused, .. } => {
            let refused = refused.as_ref();
            remarks.extend(
                refused.map(|error| format!("{}: {error}; the imagebuilder* fields are left out", error.action())),
            );
        }
        Observation::Absent { other_stack } => {
            let stack = other_stack.as_ref();
            remarks.extend(stack.map(|_| format!("a stack named {id} is there, and it builds no image")));
            if id.looks_like_an_ami_id() {
                remarks.push(format!("{id} is an AMI id: use the id that was given to pcluster build-image"));
            }
        }
    }
    remarks
}

/// Prints the fix as a remark, because the API's answer has no field for it.
fn with_fix(error: ObserveError) -> ApiError {
    if let Some(fix) = &error.source_error.fix {
        remark(&format!("what to do: {fix}"));
    }
    error.into()
}

/// A URL that opens the configuration of an observed image, or NOT_AVAILABLE.
pub async fn presigned_url(aws: &Aws, scope: &Scope, observation: &Observation) -> String {
    let url = match image_config::config_object(observation, &scope.region) {
        Some(object) => aws.presigned_url(scope, &object).await,
        None => None,
    };
    url.unwrap_or_else(|| NOT_AVAILABLE.to_owned())
}
