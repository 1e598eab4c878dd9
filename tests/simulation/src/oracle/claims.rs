//! What a status says about its image, each claim with the call of AWS that could have said it.

use serde_json::Value;

use crate::aws::{Call, Facts};

/// One claim of a status.
pub struct Claim<'a> {
    pub what: String,
    /// The operation that says it, and of what.
    pub operation: &'static str,
    pub subject: &'a str,
    /// Whether it never changes, so that it need not be read again.
    pub is_final: bool,
    pub is_so: Box<dyn Fn(&Facts) -> bool + 'a>,
}

impl Claim<'_> {
    /// Whether AWS says it with this call.
    pub fn is_said_by(&self, call: &Call, region: &str) -> bool {
        let is_it = call.operation == self.operation && call.region == region && call.is_about(self.subject);
        is_it && call.facts.as_deref().is_some_and(&self.is_so)
    }
}

/// The claims of a status.
pub fn of(status: &Value) -> Vec<Claim<'_>> {
    let mut claims = vec![ami(status)];
    claims.extend(stack(status));
    if let Some(build) = status["imagebuilderImageStatus"].as_str() {
        let arn = text(&status["build"], "imageArn");
        let is_so = move |facts: &Facts| facts.builds.get(arn).is_some_and(|status| status == build);
        let is_final = matches!(build, "FAILED" | "CANCELLED" | "DELETED");
        claims.push(Claim {
            what: format!("build {build} of {arn}"),
            operation: "GetImage",
            subject: arn,
            is_final,
            is_so: Box::new(is_so),
        });
    }
    claims
}

/// The AMI that a status shows: its id and its state.
pub fn shown_ami(status: &Value) -> Option<(String, String)> {
    let ami = &status["ec2AmiInfo"];
    ami.is_object().then(|| (text(ami, "amiId").to_owned(), text(ami, "state").to_lowercase()))
}

/// The region and the id of the image.
fn place(status: &Value) -> (String, String) {
    (text(status, "region").to_owned(), text(status, "imageId").to_owned())
}

fn ami(status: &Value) -> Claim<'_> {
    let (operation, subject, place) = ("DescribeImages", text(status, "imageId"), place(status));
    match shown_ami(status) {
        Some(ami) => Claim {
            what: format!("AMI {ami:?}"),
            operation,
            subject,
            is_final: false,
            is_so: Box::new(move |facts| facts.amis.get(&place).is_some_and(|amis| amis.contains(&ami))),
        },
        None => Claim {
            what: "no AMI".to_owned(),
            operation,
            subject,
            is_final: false,
            is_so: Box::new(move |facts| !facts.amis.contains_key(&place)),
        },
    }
}

fn stack(status: &Value) -> Option<Claim<'_>> {
    let (operation, subject, place) = ("DescribeStacks", text(status, "imageId"), place(status));
    let stack = (text(status, "cloudformationStackArn"), text(status, "cloudformationStackStatus"));
    if !stack.0.is_empty() {
        let stack = (stack.0.to_owned(), stack.1.to_owned());
        let what = format!("stack {stack:?}");
        return Some(Claim {
            what,
            operation,
            subject,
            is_final: false,
            is_so: Box::new(move |facts| facts.stacks.get(&place) == Some(&stack)),
        });
    }
    // Beside an AMI, the answer has no stack.
    shown_ami(status).is_none().then(|| Claim {
        what: "no stack".to_owned(),
        operation,
        subject,
        is_final: false,
        is_so: Box::new(move |facts| facts.stacks.get(&place).is_none_or(|(arn, _)| facts.is_of_another(arn))),
    })
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
