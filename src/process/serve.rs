//! The command `serve`: the HTTP interface on a desk, with the caller's own AWS credentials. No Kubernetes is needed. Only
//! programs on this machine can ask.

use crate::aws::{Aws, IgnoreCalls};
use crate::describe_image::observe::observe_one;
use crate::describe_image::source::Turn;
use crate::describe_image::{ApiError, DescribeImageResponse, ImageId, Priority, Region, Scope, SourceError};
use crate::http_api::local_guard::local_only;
use crate::http_api::{Aged, Failure, ImageApi, router, with_log};
use crate::process::args::region::default_region;
use crate::process::args::serve::ServeArgs;
use crate::process::describe;
use crate::process::http::connections;
use crate::process::http::{Limits, listen};
use crate::process::stderr::remark;
use crate::process::stop;
use axum::Extension;
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
    let desk = Extension(Arc::new(Desk { aws, default_region }));
    let router = router::<Desk>().layer(desk).layer(from_fn_with_state(turns, in_turn));
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
    type Source = Aws;

    fn scope(&self, region: Option<&str>) -> Result<Scope, Failure> {
        let region = region.map(Region::parse).transpose().map_err(ApiError::from)?;
        let region = region.or_else(|| self.default_region.clone());
        Ok(region.map(Scope::default_identity).ok_or_else(|| ApiError::bad_request("region needs to be set"))?)
    }

    async fn describe(&self, scope: &Scope, id: &ImageId) -> Result<Aged<DescribeImageResponse>, Failure> {
        let observation = observe_one(&self.aws, scope, id, describe::official_plan(), &self.turn(scope)).await?;
        for remark in describe::remarks(id, &observation) {
            tracing::warn!(image_id = id.as_str(), remark);
        }
        let response = describe::response(&self.aws, scope, id, &observation).await?;
        Ok(Aged { answer: response, age: None })
    }

    fn source(&self) -> &Aws {
        &self.aws
    }

    fn turn(&self, scope: &Scope) -> Turn {
        Turn::shared(Priority::Urgent, scope)
    }

    /// The one with the image's name, whatever it is: the caller's own credentials may read it.
    async fn stack(&self, _: &Scope, id: &ImageId) -> Result<Option<String>, SourceError> {
        Ok(Some(id.to_string()))
    }
}
