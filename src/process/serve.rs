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
use crate::http_api::{Failure, ImageApi, router, with_log};
use crate::process::args::region::default_region;
use crate::process::args::serve::ServeArgs;
use crate::process::describe;
use crate::process::http::connections;
use crate::process::http::{Limits, listen};
use crate::process::stderr::remark;
use crate::process::stop;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What the clients may take. Other than a probe, an answer waits for AWS, and a signed request has a long header.
fn limits() -> Limits {
    Limits { header_bytes: 64 * 1024, connections: 1000, connection: Duration::from_mins(5), ..Limits::default() }
}

/// Requests that are answered at once. The others wait: AWS's limits are for all users of the account.
const AT_ONCE: usize = 16;

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
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let router = router(Arc::new(Desk { aws, default_region })).layer(from_fn_with_state(turns, in_turn));
    let router = with_log(router.layer(from_fn(local_only)));
    remark(&format!("serves http://{address}/v3/images/custom until Ctrl-C"));
    remark("every user of this machine can read with your AWS credentials there");
    connections::serve(listener, router, limits(), stop).await;
    remark("stopped");
    Ok(())
}

async fn in_turn(State(turns): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let _turn = turns.acquire().await;
    next.run(request).await
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

    async fn describe(&self, scope: &Scope, id: &ImageId) -> Result<DescribeImageResponse, Failure> {
        let observation = observe_one(&self.aws, scope, id, describe::official_plan()).await?;
        for remark in describe::remarks(id, &observation) {
            tracing::warn!(image_id = id.as_str(), remark);
        }
        Ok(describe::response(&self.aws, scope, id, &observation).await?)
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
