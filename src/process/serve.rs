//! The command `serve`: the HTTP interface on a desk, with the caller's own AWS credentials. No Kubernetes is needed. Only
//! programs on this machine can ask.

use crate::aws::{Aws, IgnoreCalls};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::image_logs::{LogPart, LogQuery, LogStreams, StackEvents};
use crate::describe_image::list_images;
use crate::describe_image::observation::Stack;
use crate::describe_image::observe::observe_one;
use crate::describe_image::response::ListImagesResponse;
use crate::describe_image::{ApiError, DescribeImageResponse, ImageId, Region, Scope, SourceError};
use crate::http_api::local_guard::local_only;
use crate::http_api::{ImageApi, router};
use crate::process::args::region::default_region;
use crate::process::args::serve::ServeArgs;
use crate::process::describe;
use crate::process::http::connections;
use crate::process::http::{Limits, listen};
use crate::process::stderr::remark;
use crate::process::stop;
use axum::middleware::from_fn;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// A read of AWS takes at most a minute, with all its attempts; a describe has several.
const LONGEST_ANSWER: Duration = Duration::from_mins(5);

/// Exit code 0 after SIGINT or SIGTERM.
pub async fn run(args: ServeArgs) -> ExitCode {
    args.log.start();
    match serve(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            remark(&error);
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: &ServeArgs) -> Result<(), String> {
    let stop = stop::on_signal().map_err(|error| format!("cannot wait for signals: {error}"))?;
    let default_region = default_region(args.region.0.clone()).await.map_err(|error| error.to_string())?;
    let cannot = |error: std::io::Error| format!("cannot listen on {} (--listen): {error}", args.listen);
    let listener = listen(args.listen).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let aws = Aws::connect(&args.aws.settings(), default_region.as_ref(), Arc::new(IgnoreCalls)).await;
    let router = router(Arc::new(Desk { aws, default_region })).layer(from_fn(local_only));
    remark(&format!("serves http://{address}/v3/images/custom until Ctrl-C"));
    remark("every user of this machine can read with your AWS credentials there");
    let limits = Limits { connection: LONGEST_ANSWER, ..Limits::default() };
    connections::serve(listener, router, limits, stop).await;
    remark("stopped");
    Ok(())
}

/// AWS with the caller's own credentials.
struct Desk {
    aws: Aws,
    default_region: Option<Region>,
}

impl ImageApi for Desk {
    fn scope(&self, region: Option<&str>) -> Result<Scope, ApiError> {
        let region = region.map(Region::parse).transpose()?.or_else(|| self.default_region.clone());
        region.map(Scope::default_identity).ok_or_else(|| ApiError::bad_request("region needs to be set"))
    }

    async fn describe(&self, scope: &Scope, id: &ImageId) -> Result<DescribeImageResponse, ApiError> {
        let observation = observe_one(&self.aws, scope, id, describe::official_plan()).await?;
        describe::response(&self.aws, scope, id, &observation).await
    }

    async fn available_images(&self, scope: &Scope) -> Result<ListImagesResponse, SourceError> {
        list_images::available_images(&self.aws, scope).await
    }

    async fn stacks(&self, scope: &Scope, token: Option<String>) -> Result<(Vec<Stack>, Option<String>), SourceError> {
        self.aws.stacks_page(scope, token).await
    }

    async fn log_streams(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
    ) -> Result<Option<LogStreams>, SourceError> {
        self.aws.log_streams(scope, id, token).await
    }

    async fn log_events(
        &self,
        scope: &Scope,
        id: &ImageId,
        stream: &str,
        query: &LogQuery,
    ) -> Result<LogPart, SourceError> {
        let log = ImageBuildLog { group: image_build_log::group(id.as_str()), stream: stream.to_owned() };
        self.aws.log_events(scope, &log, query).await
    }

    async fn stack_events(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
    ) -> Result<Option<StackEvents>, SourceError> {
        self.aws.stack_events(scope, id.as_str(), token).await
    }
}
