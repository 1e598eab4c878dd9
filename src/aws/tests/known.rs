//! Replies as AWS sends them.

pub const ONE_AMI: &str = "<DescribeImagesResponse><requestId>r</requestId><imagesSet><item><imageId>ami-1</imageId>\
    <imageState>available</imageState><imageOwnerId>111122223333</imageOwnerId>\
    <creationDate>2026-11-24T10:00:00.000Z</creationDate><architecture>x86_64</architecture><name>hpc</name>\
    <blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeSize>35</volumeSize></ebs></item>\
    </blockDeviceMapping><tagSet><item><key>parallelcluster:image_id</key><value>hpc</value></item>\
    <item><key>parallelcluster:version</key><value>3.14.0</value></item></tagSet></item>\
    <item><imageId>ami-2</imageId><imageState>pending</imageState><imageOwnerId>111122223333</imageOwnerId>\
    <tagSet><item><key>parallelcluster:image_id</key><value>other</value></item></tagSet></item>\
    </imagesSet></DescribeImagesResponse>";
pub const NO_AMI: &str =
    "<DescribeImagesResponse><requestId>r</requestId><imagesSet></imagesSet></DescribeImagesResponse>";
pub const MORE_AMIS: &str =
    "<DescribeImagesResponse><imagesSet></imagesSet><nextToken>t</nextToken></DescribeImagesResponse>";

/// The ARN of the first of the stacks.
pub const STACK_ARN: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/hpc/1";
pub const STACKS: &str = "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
    <StackId>arn:aws:cloudformation:eu-west-1:111122223333:stack/hpc/1</StackId><StackName>hpc</StackName>\
    <CreationTime>2026-11-24T10:00:00.000Z</CreationTime><StackStatus>CREATE_IN_PROGRESS</StackStatus>\
    <Parameters></Parameters><DisableRollback>true</DisableRollback><Capabilities><member>CAPABILITY_IAM</member>\
    </Capabilities><Tags><member><Key>parallelcluster:image_id</Key><Value>hpc</Value></member></Tags></member>\
    <member><StackId>arn:aws:cloudformation:eu-west-1:111122223333:stack/b/2</StackId><StackName>b</StackName>\
    <CreationTime>2026-11-24T10:00:00.000Z</CreationTime><StackStatus>DELETE_FAILED</StackStatus><Tags></Tags></member>\
    </Stacks></DescribeStacksResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DescribeStacksResponse>";
pub const NO_STACKS: &str =
    "<DescribeStacksResponse><DescribeStacksResult><Stacks></Stacks></DescribeStacksResult></DescribeStacksResponse>";
pub const NO_STACK: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
    <Message>Stack with id hpc does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>";
pub const DENIED: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
    <Message>User: a is not authorized</Message></Error><RequestId>r</RequestId></ErrorResponse>";

pub const RESOURCE: &str = "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>\
    <StackName>hpc</StackName><LogicalResourceId>ParallelClusterImage</LogicalResourceId>\
    <PhysicalResourceId>arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-hpc/3.14.0/1</PhysicalResourceId>\
    <ResourceType>AWS::ImageBuilder::Image</ResourceType><LastUpdatedTimestamp>2026-11-24T10:00:00.000Z</LastUpdatedTimestamp>\
    <StackId>arn:aws:cloudformation:eu-west-1:111122223333:stack/hpc/1</StackId><ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus></StackResourceDetail></DescribeStackResourceResult>\
    </DescribeStackResourceResponse>";
pub const EVENTS: &str = "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents><member><EventId>2</EventId>\
    <StackId>s</StackId><StackName>hpc</StackName><LogicalResourceId>Role</LogicalResourceId>\
    <ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>Resource creation cancelled</ResourceStatusReason>\
    <Timestamp>2026-11-24T10:00:00.000Z</Timestamp></member><member><EventId>1</EventId><StackId>s</StackId>\
    <StackName>hpc</StackName><LogicalResourceId>ParallelClusterImage</LogicalResourceId>\
    <ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>no space</ResourceStatusReason>\
    <Timestamp>2026-11-24T10:00:00.000Z</Timestamp></member></StackEvents></DescribeStackEventsResult>\
    </DescribeStackEventsResponse>";

pub const BUILD: &str = r#"{"requestId":"r","image":{"arn":"arn:aws:imagebuilder:eu-west-1:1:image/a/1/1","state":{"status":
    "FAILED","reason":"no space","failureContext":{"failedStep":"RunComponents","componentFailure":{"componentArn":"c",
    "errorMessage":"exit 1"}}},"outputResources":{"amis":[{"region":"eu-west-1"}]}}}"#;
pub const NO_BUILD: &str = r#"{"message":"The requested resource does not exist: a"}"#;
pub const UNKNOWN_BUILD: &str =
    r#"{"message":"The requested resource does not exist: a","code":"ResourceNotFoundException"}"#;

pub const LOG: &str = r#"{"events":[{"timestamp":1,"message":"a","ingestionTime":2},{"timestamp":3,"message":"b"}],
    "nextForwardToken":"f/1","nextBackwardToken":"b/1"}"#;
pub const NO_LOG: &str =
    r#"{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"The specified log group does not exist."}"#;
pub const NO_LOG_STREAM: &str =
    r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
pub const LOG_STREAMS: &str = r#"{"logStreams":[{"logStreamName":"3.16.1/1","creationTime":1,"firstEventTimestamp":2,
    "arn":"arn:aws:logs:eu-west-1:1:log-group:g:log-stream:3.16.1/1"},{"logStreamName":"empty","arn":"arn:1"}]}"#;

pub const CALLER: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:sts::111122223333:assumed-role/operator/1</Arn><UserId>AROA:1</UserId><Account>111122223333</Account>\
    </GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>";
pub const ASSUMED: &str = "<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>\
    <Arn>arn:aws:sts::111122223333:assumed-role/reader/s</Arn></AssumedRoleUser><Credentials>\
    <AccessKeyId>ASIA111122223333EXAM</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
    <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
    <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>";
