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
pub const NO_STACK: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
    <Message>Stack with id hpc does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>";
pub const RESOURCE: &str = "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>\
    <StackName>hpc</StackName><LogicalResourceId>ParallelClusterImage</LogicalResourceId>\
    <PhysicalResourceId>arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-hpc/3.14.0/1</PhysicalResourceId>\
    <ResourceType>AWS::ImageBuilder::Image</ResourceType><LastUpdatedTimestamp>2026-11-24T10:00:00.000Z</LastUpdatedTimestamp>\
    <ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus></StackResourceDetail></DescribeStackResourceResult>\
    </DescribeStackResourceResponse>";
