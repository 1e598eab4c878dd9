//! The six services: their names, and the errors of each in its own format.

use serde_json::json;

use crate::reply::Reply;
use crate::xml::Xml;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    Ec2,
    CloudFormation,
    ImageBuilder,
    Logs,
    S3,
    Sts,
}

/// An AWS error that is not yet in its service's format.
#[derive(Debug)]
pub(crate) struct ServiceError {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub headers: Vec<(&'static str, String)>,
    /// More elements of an S3 error's body.
    pub details: Vec<(&'static str, String)>,
}

impl ServiceError {
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), headers: Vec::new(), details: Vec::new() }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn detail(mut self, name: &'static str, value: &str) -> Self {
        self.details.push((name, value.to_owned()));
        self
    }
}

impl Service {
    /// The name in a credential scope, in faults, limits and calls.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::CloudFormation => "cloudformation",
            Self::ImageBuilder => "imagebuilder",
            Self::Logs => "logs",
            Self::S3 => "s3",
            Self::Sts => "sts",
        }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Ec2, Self::CloudFormation, Self::ImageBuilder, Self::Logs, Self::S3, Self::Sts]
            .into_iter()
            .find(|it| it.name() == name)
    }

    pub fn request_id_header(self) -> &'static str {
        match self {
            Self::S3 => "x-amz-request-id",
            _ => "x-amzn-requestid",
        }
    }

    pub fn throttled(self) -> ServiceError {
        match self {
            Self::Ec2 => ServiceError::new(503, "RequestLimitExceeded", "Request limit exceeded."),
            Self::CloudFormation | Self::Sts => ServiceError::new(400, "Throttling", "Rate exceeded"),
            Self::ImageBuilder => ServiceError::new(
                429,
                "CallRateLimitExceededException",
                "You have exceeded the permitted request rate for the specific operation.",
            ),
            Self::Logs => ServiceError::new(400, "ThrottlingException", "Rate exceeded"),
            Self::S3 => ServiceError::new(503, "SlowDown", "Please reduce your request rate."),
        }
    }

    pub fn missing_token(self) -> ServiceError {
        let message = "Request is missing Authentication Token";
        match self {
            Self::Ec2 | Self::CloudFormation | Self::Sts => {
                ServiceError::new(403, "MissingAuthenticationToken", message)
            }
            Self::ImageBuilder => {
                ServiceError::new(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Self::Logs => ServiceError::new(400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
            Self::S3 => ServiceError::new(403, "AccessDenied", "Access Denied"),
        }
    }

    pub fn expired(self) -> ServiceError {
        let message = "The security token included in the request is expired";
        match self {
            Self::Ec2 => ServiceError::new(400, "RequestExpired", "Request has expired."),
            Self::CloudFormation | Self::Sts => ServiceError::new(403, "ExpiredToken", message),
            Self::ImageBuilder => ServiceError::new(403, "ExpiredTokenException", message),
            Self::Logs => ServiceError::new(400, "ExpiredTokenException", message),
            Self::S3 => ServiceError::new(400, "ExpiredToken", "The provided token has expired."),
        }
    }

    pub fn invalid_key(self) -> ServiceError {
        let message = "The security token included in the request is invalid.";
        match self {
            Self::Ec2 => {
                ServiceError::new(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            Self::CloudFormation | Self::Sts => ServiceError::new(403, "InvalidClientTokenId", message),
            Self::ImageBuilder => ServiceError::new(403, "UnrecognizedClientException", message),
            Self::Logs => ServiceError::new(400, "UnrecognizedClientException", message),
            Self::S3 => ServiceError::new(
                403,
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
        }
    }

    /// Writes the error in the service's format. `bodiless`: the request is a HEAD, which S3 answers without a body.
    pub fn error_reply(self, error: ServiceError, request_id: &str, bodiless: bool) -> Reply {
        let body = match self {
            Self::Ec2 => ec2_error(&error, request_id),
            Self::CloudFormation => {
                query_error(&error, request_id, "http://cloudformation.amazonaws.com/doc/2010-05-15/")
            }
            Self::Sts => query_error(&error, request_id, "https://sts.amazonaws.com/doc/2011-06-15/"),
            Self::ImageBuilder => json!({ "message": error.message }).to_string(),
            Self::Logs => json!({ "__type": error.code, "message": error.message }).to_string(),
            Self::S3 if bodiless => String::new(),
            Self::S3 => s3_error(&error, request_id),
        };
        let mut reply = match self {
            Self::ImageBuilder => Reply::json(error.status, body).header("x-amzn-errortype", &error.code),
            Self::Logs => Reply::amz_json(error.status, body),
            Self::Ec2 | Self::CloudFormation | Self::Sts | Self::S3 => Reply::xml(error.status, body),
        };
        reply.headers.extend(error.headers);
        reply.error_code = Some(error.code);
        reply
    }
}

fn ec2_error(error: &ServiceError, request_id: &str) -> String {
    let mut xml = Xml::new();
    xml.element("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.text("Code", &error.code);
                xml.text("Message", &error.message);
            });
        });
        xml.text("RequestID", request_id);
    });
    xml.finish()
}

fn query_error(error: &ServiceError, request_id: &str, namespace: &str) -> String {
    let mut xml = Xml::new();
    xml.element(&format!("ErrorResponse xmlns=\"{namespace}\""), |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", if error.status < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", &error.code);
            xml.text("Message", &error.message);
        });
        xml.text("RequestId", request_id);
    });
    xml.finish()
}

fn s3_error(error: &ServiceError, request_id: &str) -> String {
    let mut xml = Xml::new();
    xml.element("Error", |xml| {
        xml.text("Code", &error.code);
        xml.text("Message", &error.message);
        error.details.iter().for_each(|(name, value)| xml.text(name, value));
        xml.text("RequestId", request_id);
        xml.text("HostId", "c2ltdWxhdG9y");
    });
    xml.finish()
}
