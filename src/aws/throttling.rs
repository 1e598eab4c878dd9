//! How AWS says that a limit is exceeded. What is called throttled here is what is tried again, and what the budget hears of.

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Image Builder's own code, which the SDK does not know.
const CALL_RATE: &str = "CallRateLimitExceededException";

/// The status that says it without a code.
pub const TOO_MANY_REQUESTS: u16 = 429;

/// Whether a service says by this code that a limit is exceeded: those that the SDK tries again, and Image Builder's.
pub fn is_throttling_code(code: &str) -> bool {
    code == CALL_RATE || THROTTLING_ERRORS.contains(&code)
}

/// The code of an error: in the XML of EC2 and CloudFormation, in a header of Image Builder.
pub fn code_of(reply: &HttpResponse) -> Option<String> {
    let text = String::from_utf8_lossy(reply.body().bytes().unwrap_or_default());
    let in_body = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let in_header = reply.headers().get("x-amzn-errortype").and_then(|code| code.split(':').next());
    in_body.map(|(code, _)| code).or(in_header).map(str::to_owned)
}

/// Has the SDK try again what it would not know by itself.
#[derive(Debug)]
pub struct RetryThrottled;

impl ClassifyRetry for RetryThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.response().filter(|reply| !reply.status().is_success());
        let is_throttled = failed.is_some_and(|reply| {
            let is_told_by_code = || code_of(reply).is_some_and(|code| is_throttling_code(&code));
            reply.status().as_u16() == TOO_MANY_REQUESTS || is_told_by_code()
        });
        if is_throttled { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "RetryThrottled"
    }
}
