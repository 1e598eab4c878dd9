//! DescribeImagesResponse in EC2's XML. A field that the image does not have gives no element.

use std::borrow::Cow;

use crate::world::{BlockDevice, Image};
use crate::xml::Xml;

pub fn response<'a>(images: impl Iterator<Item = Cow<'a, Image>>, token: Option<&str>, request_id: &str) -> String {
    let mut xml = Xml::new();
    xml.element("DescribeImagesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"", |xml| {
        xml.text("requestId", request_id);
        xml.element("imagesSet", |xml| images.for_each(|image| xml.element("item", |xml| item(xml, &image))));
        xml.optional("nextToken", token);
    });
    xml.finish()
}

fn item(xml: &mut Xml, image: &Image) {
    let mut text = |name: &str, value: &Option<String>| xml.optional(name, value.as_deref());
    text("imageId", &Some(image.ami_id.clone()));
    text("imageLocation", &image.location);
    text("imageState", &image.state);
    text("imageOwnerId", &image.owner_id);
    text("creationDate", &image.creation_date);
    text("architecture", &image.architecture);
    text("imageType", &image.image_type);
    text("platform", &image.platform);
    text("platformDetails", &image.platform_details);
    text("imageOwnerAlias", &image.owner_alias);
    text("name", &image.name);
    text("description", &image.description);
    text("rootDeviceType", &image.root_device_type);
    text("rootDeviceName", &image.root_device_name);
    text("virtualizationType", &image.virtualization_type);
    text("hypervisor", &image.hypervisor);
    text("bootMode", &image.boot_mode);
    text("deprecationTime", &image.deprecation_time);
    xml.scalar("isPublic", image.is_public);
    xml.scalar("enaSupport", image.ena_support);
    if let Some(reason) = &image.state_reason {
        xml.element("stateReason", |xml| {
            xml.optional("code", reason.code.as_deref());
            xml.optional("message", reason.message.as_deref());
        });
    }
    lists(xml, image);
}

fn lists(xml: &mut Xml, image: &Image) {
    xml.element("blockDeviceMapping", |xml| {
        image.block_devices.iter().for_each(|device| xml.element("item", |xml| block_device(xml, device)));
    });
    if !image.tags.is_empty() {
        xml.element("tagSet", |xml| {
            for tag in &image.tags {
                xml.element("item", |xml| {
                    xml.text("key", &tag.key);
                    xml.text("value", &tag.value);
                });
            }
        });
    }
}

fn block_device(xml: &mut Xml, device: &BlockDevice) {
    xml.optional("deviceName", device.device_name.as_deref());
    xml.element("ebs", |xml| {
        xml.optional("snapshotId", device.snapshot_id.as_deref());
        xml.scalar("volumeSize", device.volume_size);
        xml.optional("volumeType", device.volume_type.as_deref());
        xml.scalar("encrypted", device.encrypted);
        xml.scalar("deleteOnTermination", device.delete_on_termination);
    });
}
