//! How AWS says that a rate limit is exceeded. Such calls are retried, and the budget slows down after them.

use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Image Builder's own code, which the SDK does not treat as throttling.
const CALL_RATE: &str = "CallRateLimitExceededException";

/// The HTTP status for throttling without a code.
pub const TOO_MANY_REQUESTS: u16 = 429;

/// Whether this code means that a rate limit is exceeded: the codes that the SDK retries, and Image Builder's.
pub fn is_throttling_code(code: &str) -> bool {
    code == CALL_RATE || THROTTLING_ERRORS.contains(&code)
}

/// The code of an error: from the XML body of EC2 and CloudFormation, or the header of Image Builder.
pub fn code_of(reply: &HttpResponse) -> Option<String> {
    let text = String::from_utf8_lossy(reply.body().bytes().unwrap_or_default());
    let in_body = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let in_header = reply.headers().get("x-amzn-errortype").and_then(|code| code.split(':').next());
    in_body.map(|(code, _)| code).or(in_header).map(str::to_owned)
}

/// Makes the SDK retry throttling that it does not recognize itself.
#[derive(Debug)]
pub struct RetryThrottled;

impl ClassifyRetry for RetryThrottled {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.response().filter(|reply| !reply.status().is_success());
        let is_throttled = failed.is_some_and(|reply| {
            let has_throttling_code = || code_of(reply).is_some_and(|code| is_throttling_code(&code));
            reply.status().as_u16() == TOO_MANY_REQUESTS || has_throttling_code()
        });
        if is_throttled { RetryAction::throttling_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "RetryThrottled"
    }
}
