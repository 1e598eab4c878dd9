//! CloudFormation's answers in XML. A field that the stack does not have gives no element.

use crate::world::{Stack, StackEvent, StackResource, Tag};
use crate::xml::Xml;

const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

pub fn stacks(stacks: &[Stack], token: Option<&str>, request_id: &str) -> String {
    response("DescribeStacks", request_id, |xml| {
        xml.element("Stacks", |xml| {
            stacks.iter().for_each(|stack| xml.element("member", |xml| stack_member(xml, stack)))
        });
        xml.optional("NextToken", token);
    })
}

pub fn resource(stack: &Stack, resource: &StackResource, request_id: &str) -> String {
    response("DescribeStackResource", request_id, |xml| {
        xml.element("StackResourceDetail", |xml| {
            xml.text("StackName", &stack.name);
            xml.text("StackId", &stack.id);
            xml.text("LogicalResourceId", &resource.logical_id);
            xml.optional("PhysicalResourceId", resource.physical_id.as_deref());
            xml.optional("ResourceType", resource.resource_type.as_deref());
            xml.optional("LastUpdatedTimestamp", resource.last_updated_time.as_deref());
            xml.optional("ResourceStatus", resource.status.as_deref());
            xml.optional("ResourceStatusReason", resource.status_reason.as_deref());
            xml.optional("Description", resource.description.as_deref());
            xml.text("Metadata", "{}");
            xml.element("DriftInformation", |xml| xml.text("StackResourceDriftStatus", "NOT_CHECKED"));
        });
    })
}

pub fn events(stack: &Stack, events: &[StackEvent], token: Option<&str>, request_id: &str) -> String {
    response("DescribeStackEvents", request_id, |xml| {
        xml.element("StackEvents", |xml| {
            events.iter().for_each(|event| xml.element("member", |xml| event_member(xml, stack, event)))
        });
        xml.optional("NextToken", token);
    })
}

fn event_member(xml: &mut Xml, stack: &Stack, event: &StackEvent) {
    xml.text("StackId", &stack.id);
    xml.text("EventId", &event.event_id);
    xml.text("StackName", &stack.name);
    let mut text = |name: &str, value: &Option<String>| xml.optional(name, value.as_deref());
    text("LogicalResourceId", &event.logical_id);
    text("PhysicalResourceId", &event.physical_id);
    text("ResourceType", &event.resource_type);
    text("Timestamp", &event.timestamp);
    text("ResourceStatus", &event.status);
    text("ResourceStatusReason", &event.status_reason);
    text("ResourceProperties", &event.properties);
    text("ClientRequestToken", &event.client_request_token);
}

fn response(operation: &str, request_id: &str, content: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::new();
    xml.element(&format!("{operation}Response xmlns=\"{NAMESPACE}\""), |xml| {
        xml.element(&format!("{operation}Result"), content);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    xml.finish()
}

fn stack_member(xml: &mut Xml, stack: &Stack) {
    xml.text("StackId", &stack.id);
    xml.text("StackName", &stack.name);
    let mut text = |name: &str, value: &Option<String>| xml.optional(name, value.as_deref());
    text("Description", &stack.description);
    text("CreationTime", &stack.creation_time);
    text("DeletionTime", &stack.deletion_time);
    text("LastUpdatedTime", &stack.last_updated_time);
    text("StackStatus", &stack.status);
    text("StackStatusReason", &stack.status_reason);
    text("RoleARN", &stack.role_arn);
    text("ParentId", &stack.parent_id);
    text("RootId", &stack.root_id);
    xml.scalar("DisableRollback", stack.disable_rollback);
    xml.scalar("EnableTerminationProtection", stack.termination_protection);
    xml.scalar("TimeoutInMinutes", stack.timeout_in_minutes);
    pairs(xml, "Parameters", ["ParameterKey", "ParameterValue"], &stack.parameters);
    pairs(xml, "Outputs", ["OutputKey", "OutputValue"], &stack.outputs);
    members(xml, "Capabilities", &stack.capabilities);
    members(xml, "NotificationARNs", &stack.notification_arns);
    xml.element("RollbackConfiguration", |xml| xml.element("RollbackTriggers", |_| ()));
    xml.element("DriftInformation", |xml| xml.text("StackDriftStatus", "NOT_CHECKED"));
    pairs(xml, "Tags", ["Key", "Value"], &stack.tags);
}

fn pairs(xml: &mut Xml, list: &str, [key, value]: [&str; 2], tags: &[Tag]) {
    xml.element(list, |xml| {
        for tag in tags {
            xml.element("member", |xml| {
                xml.text(key, &tag.key);
                xml.text(value, &tag.value);
            });
        }
    });
}

fn members(xml: &mut Xml, list: &str, values: &[String]) {
    xml.element(list, |xml| values.iter().for_each(|value| xml.text("member", value)));
}
