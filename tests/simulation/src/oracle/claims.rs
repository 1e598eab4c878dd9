//! What a status says about its image, each claim with the call of AWS that could have said it.

use std::collections::BTreeSet;

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
    /// Whether it is that there is none.
    pub is_absence: bool,
    pub is_so: Box<dyn Fn(&Facts) -> bool + 'a>,
}

impl<'a> Claim<'a> {
    fn new(operation: &'static str, subject: &'a str, what: String, is_so: impl Fn(&Facts) -> bool + 'a) -> Self {
        Self { what, operation, subject, is_final: false, is_absence: false, is_so: Box::new(is_so) }
    }

    /// Whether AWS says it with this call.
    pub fn is_said_by(&self, call: &Call, region: &str) -> bool {
        call.is_answer_about(self.operation, region, self.subject) && call.facts.as_deref().is_some_and(&self.is_so)
    }
}

/// The claims of a status.
pub fn of(status: &Value) -> Vec<Claim<'_>> {
    let mut claims = vec![ami(status)];
    claims.extend(stack(status));
    claims.extend(build(status));
    claims
}

/// The words of the claims of a status.
pub fn words(status: &Value) -> BTreeSet<String> {
    of(status).into_iter().map(|claim| claim.what).collect()
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
        Some(ami) => Claim::new(operation, subject, format!("AMI {ami:?}"), move |facts| {
            facts.amis.get(&place).is_some_and(|amis| amis.contains(&ami))
        }),
        None => {
            let is_so = move |facts: &Facts| !facts.amis.contains_key(&place);
            Claim { is_absence: true, ..Claim::new(operation, subject, "no AMI".to_owned(), is_so) }
        }
    }
}

fn stack(status: &Value) -> Option<Claim<'_>> {
    let (operation, subject, place) = ("DescribeStacks", text(status, "imageId"), place(status));
    let stack = (text(status, "cloudformationStackArn"), text(status, "cloudformationStackStatus"));
    if !stack.0.is_empty() {
        let stack = (stack.0.to_owned(), stack.1.to_owned());
        let what = format!("stack {stack:?}");
        return Some(Claim::new(operation, subject, what, move |facts| facts.stacks.get(&place) == Some(&stack)));
    }
    // Beside an AMI, the answer has no stack.
    shown_ami(status).is_none().then(|| {
        let is_so = move |facts: &Facts| facts.stacks.get(&place).is_none_or(|(arn, _)| facts.is_of_another(arn));
        Claim { is_absence: true, ..Claim::new(operation, subject, "no stack".to_owned(), is_so) }
    })
}

fn build(status: &Value) -> Option<Claim<'_>> {
    let (build, arn) = (status["imagebuilderImageStatus"].as_str()?, text(&status["build"], "imageArn"));
    let is_so = move |facts: &Facts| facts.builds.get(arn).is_some_and(|status| status == build);
    let is_final = matches!(build, "FAILED" | "CANCELLED" | "DELETED");
    Some(Claim { is_final, ..Claim::new("GetImage", arn, format!("build {build} of {arn}"), is_so) })
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
