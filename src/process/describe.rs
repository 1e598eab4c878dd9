//! `describe`: one describeImage answer on stdout, in the API's words; remarks for people go to stderr.

use crate::aws::{Aws, IgnoreCalls};
use crate::describe_image::image_config::{self, NOT_AVAILABLE};
use crate::describe_image::observe::observe;
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::{self, ApiError, DescribeImageResponse, ImageId, Observation, Scope};
use crate::process::args::DescribeArgs;
use crate::process::settings;
use crate::process::stdout::print;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Exit 0 with the response, 1 with the API's error.
pub async fn run(args: DescribeArgs) -> ExitCode {
    match answer(&args).await {
        Ok(response) => print(&response, args.output, ExitCode::SUCCESS),
        Err(error) => print(&error, args.output, ExitCode::FAILURE),
    }
}

async fn answer(args: &DescribeArgs) -> Result<DescribeImageResponse, ApiError> {
    let id = ImageId::parse(&args.image_id)?;
    let scope = Scope::default_identity(settings::asked_region(args.region.clone()).await?);
    let aws = Aws::connect(&args.aws.settings(), Some(&scope.region), Arc::new(IgnoreCalls)).await;
    let mut answers = observe(&aws, &scope, std::slice::from_ref(&id)).await;
    let observation = match answers.pop() {
        Some((_, observation)) => observation?,
        None => Observation::Absent,
    };
    if let Observation::Stack { refused: Some(refused), .. } = &observation {
        let text = format!("{}: {refused}; the imagebuilder* fields are left out", refused.action);
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    let mut response = describe_image::describe(&id, &scope.region, &observation)?;
    response.image_configuration.url = presigned_url(&aws, &scope, &observation).await;
    Ok(response)
}

async fn presigned_url(aws: &Aws, scope: &Scope, observation: &Observation) -> String {
    let url = match image_config::config_object(observation, &scope.region) {
        Some(object) => aws.presigned_url(scope, &object).await,
        None => None,
    };
    url.unwrap_or_else(|| NOT_AVAILABLE.to_owned())
}
