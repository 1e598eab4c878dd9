//! An EC2 image (AMI), with the fields of DescribeImages.

use serde::{Deserialize, Serialize};

use super::Tag;

/// Identity: account, region, `ami_id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Image {
    /// The account that has the image. Others see it if it is public or shared with them.
    pub account: String,
    pub region: String,
    pub ami_id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub state: Option<String>,
    pub architecture: Option<String>,
    pub creation_date: Option<String>,
    /// Empty: the same as `account`.
    pub owner_id: Option<String>,
    pub owner_alias: Option<String>,
    /// Empty: `ACCOUNT/NAME`.
    pub location: Option<String>,
    pub is_public: Option<bool>,
    pub image_type: Option<String>,
    pub platform: Option<String>,
    pub platform_details: Option<String>,
    pub root_device_type: Option<String>,
    pub root_device_name: Option<String>,
    pub virtualization_type: Option<String>,
    pub hypervisor: Option<String>,
    pub ena_support: Option<bool>,
    pub boot_mode: Option<String>,
    /// In AWS's format, such as `2027-01-01T00:00:00.000Z`. After this time only the owner sees the image, unless a
    /// request has IncludeDeprecated.
    pub deprecation_time: Option<String>,
    pub state_reason: Option<StateReason>,
    pub block_devices: Vec<BlockDevice>,
    /// If there are no tags, AWS leaves the whole set out.
    pub tags: Vec<Tag>,
    /// Accounts with launch permission.
    pub shared_with: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateReason {
    pub code: Option<String>,
    pub message: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockDevice {
    pub device_name: Option<String>,
    pub snapshot_id: Option<String>,
    pub volume_size: Option<u32>,
    pub volume_type: Option<String>,
    pub encrypted: Option<bool>,
    pub delete_on_termination: Option<bool>,
}

impl Default for Image {
    fn default() -> Self {
        let text = |value: &str| Some(value.to_owned());
        Self {
            account: String::new(),
            region: String::new(),
            ami_id: String::new(),
            name: None,
            description: None,
            state: text("available"),
            architecture: text("x86_64"),
            creation_date: text("2025-01-02T03:04:05.000Z"),
            owner_id: text(""),
            owner_alias: None,
            location: text(""),
            is_public: Some(false),
            image_type: text("machine"),
            platform: None,
            platform_details: text("Linux/UNIX"),
            root_device_type: text("ebs"),
            root_device_name: text("/dev/xvda"),
            virtualization_type: text("hvm"),
            hypervisor: text("xen"),
            ena_support: Some(true),
            boot_mode: None,
            deprecation_time: None,
            state_reason: None,
            block_devices: Vec::new(),
            tags: Vec::new(),
            shared_with: Vec::new(),
        }
    }
}

impl Image {
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}
