//! The action types that come with the service, one row each: user guide, pages "action-reference" and
//! "reference-action-artifacts" for keys and counts, "limits" for timeouts.

use super::{ActionType, ArtifactBounds, ConfigurationProperty, pages};
use crate::declaration::action::ActionCategory::{
    self, Approval, Build, Compute, Deploy, Invoke, Source, Test,
};
use crate::declaration::action::{ActionOwner, ActionTypeId};

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
/// What runs on compute that the service manages.
const MANAGED: u32 = 55;

/// Keys are separated by spaces; `*` after a key: required, `!`: secret.
#[rustfmt::skip]
pub(super) static TABLE: &[Row] = &[
    //  category  provider                     inputs   outputs  minutes   keys
    row(Source,   "S3",                        (0, 0),  (1, 1),  HOUR,     "S3Bucket* S3ObjectKey* PollForSourceChanges AllowOverrideForS3ObjectKey"),
    row(Source,   "CodeCommit",                (0, 0),  (1, 1),  HOUR,     "RepositoryName* BranchName* PollForSourceChanges OutputArtifactFormat"),
    row(Source,   "ECR",                       (0, 0),  (1, 1),  HOUR,     "RepositoryName* ImageTag"),
    row(Source,   "CodeStarSourceConnection",  (0, 0),  (1, 1),  HOUR,     "ConnectionArn* FullRepositoryId* BranchName* DetectChanges OutputArtifactFormat"),
    row(Source,   "GitHub",                    (0, 0),  (1, 1),  HOUR,     "Owner* Repo* Branch* OAuthToken*! PollForSourceChanges").third_party(),
    row(Build,    "CodeBuild",                 (1, 5),  (0, 5),  36*HOUR,  "ProjectName* PrimarySource BuildspecOverride ServiceRoleArnOverride BatchEnabled CombineArtifacts EnvironmentVariables"),
    row(Test,     "CodeBuild",                 (1, 5),  (0, 5),  8*HOUR,   "ProjectName* PrimarySource BuildspecOverride ServiceRoleArnOverride BatchEnabled CombineArtifacts EnvironmentVariables"),
    row(Build,    "ECRBuildAndPublish",        (1, 1),  (0, 0),  MANAGED,  "ECRRepositoryName* DockerFilePath ImageTags RegistryType").v2_only(),
    row(Compute,  "Commands",                  (1, 10), (0, 1),  MANAGED,  "EnvironmentType ComputeType VpcId Subnets SecurityGroupIds").v2_only().runs_commands(),
    // The guide lists AppiumVersion as required, and public pipelines do without.
    row(Test,     "DeviceFarm",                (1, 1),  (0, 0),  8*HOUR,   "AppType* ProjectId* App* DevicePoolArn* TestType* AppiumVersion Test TestSpec FuzzEventCount FuzzEventThrottle \
                                                                            FuzzRandomizerSeed RadioBluetoothEnabled RadioWifiEnabled RadioNfcEnabled RadioGpsEnabled RecordAppPerformanceData \
                                                                            RecordVideo UnmeteredDevicesOnly CustomHostMachineArtifacts CustomDeviceArtifacts JobTimeoutMinutes Latitude Longitude").open(),
    row(Approval, "Manual",                    (0, 0),  (0, 0),  7*DAY,    "NotificationArn ExternalEntityLink CustomData"),
    row(Deploy,   "S3",                        (1, 1),  (0, 0),  90,       "BucketName* Extract* ObjectKey KMSEncryptionKeyARN CannedACL CacheControl"),
    row(Deploy,   "CloudFormation",            (0, 10), (0, 1),  3*DAY,    "ActionMode* StackName* ChangeSetName Capabilities RoleArn TemplatePath TemplateConfiguration ParameterOverrides OutputFileName"),
    row(Deploy,   "CloudFormationStackSet",    (1, 3),  (0, 0),  3*DAY,    "StackSetName* TemplatePath* Description Parameters Capabilities PermissionModel AdministrationRoleArn ExecutionRoleName \
                                                                            OrganizationsAutoDeployment DeploymentTargets Regions FailureTolerancePercentage MaxConcurrentPercentage \
                                                                            RegionConcurrencyType ConcurrencyMode CallAs"),
    row(Deploy,   "CloudFormationStackInstances", (0, 2), (0, 0), 3*DAY,   "StackSetName* Regions* DeploymentTargets ParameterOverrides FailureTolerancePercentage MaxConcurrentPercentage \
                                                                            RegionConcurrencyType ConcurrencyMode CallAs"),
    row(Deploy,   "CodeDeploy",                (1, 1),  (0, 0),  5*DAY,    "ApplicationName* DeploymentGroupName*"),
    row(Deploy,   "CodeDeployToECS",           (1, 5),  (0, 0),  5*DAY,    "ApplicationName* DeploymentGroupName* TaskDefinitionTemplateArtifact* AppSpecTemplateArtifact* TaskDefinitionTemplatePath \
                                                                            AppSpecTemplatePath Image<N>ArtifactName Image<N>ContainerName"),
    row(Deploy,   "ECS",                       (1, 1),  (0, 0),  HOUR,     "ClusterName* ServiceName* FileName DeploymentTimeout"),
    row(Deploy,   "ElasticBeanstalk",          (1, 1),  (0, 0),  HOUR,     "ApplicationName* EnvironmentName*"),
    // Two sets of names are in use for the same three things, so none of them can be required.
    row(Deploy,   "OpsWorks",                  (0, 1),  (0, 0),  HOUR,     "Stack App Layer StackId AppId LayerId DeploymentType"),
    // Either all from the action, or from a file (ConfigurationFilePath): only the product is always named.
    row(Deploy,   "ServiceCatalog",            (1, 1),  (0, 0),  HOUR,     "ProductId* TemplateFilePath ProductVersionName ProductType ProductVersionDescription ConfigurationFilePath"),
    row(Deploy,   "AppConfig",                 (1, 1),  (0, 0),  HOUR,     "Application* Environment* ConfigurationProfile* InputArtifactConfigurationPath* DeploymentStrategy"),
    row(Deploy,   "EC2",                       (1, 1),  (0, 0),  HOUR,     "InstanceTagKey* InstanceType* InstanceTagValue TargetDirectory PreScript PostScript DeploySpec MaxBatch MaxError TargetGroupNameList").v2_only(),
    row(Deploy,   "EKS",                       (1, 1),  (0, 0),  MANAGED,  "ClusterName* HelmReleaseName HelmChartLocation HelmValuesFiles ManifestFiles Namespace Subnets SecurityGroupIds").v2_only(),
    // No input where PublishedTargetVersion says what to deploy.
    row(Deploy,   "Lambda",                    (0, 1),  (0, 0),  HOUR,     "FunctionName* FunctionAlias PublishedTargetVersion DeployStrategy Alarms").v2_only(),
    row(Deploy,   "AlexaSkillsKit",            (1, 2),  (0, 0),  HOUR,     "ClientId* ClientSecret*! RefreshToken*! SkillId*").third_party(),
    row(Invoke,   "Lambda",                    (0, 5),  (0, 5),  DAY,      "FunctionName* UserParameters"),
    row(Invoke,   "StepFunctions",             (0, 1),  (0, 1),  7*DAY,    "StateMachineArn* ExecutionNamePrefix InputType Input"),
    row(Invoke,   "CodePipeline",              (0, 0),  (0, 0),  HOUR,     "PipelineName* SourceRevisions Variables").v2_only(),
    // No input where it scans an image.
    row(Invoke,   "InspectorScan",             (0, 1),  (1, 1),  MANAGED,  "InspectorRunMode* ECRRepositoryName ImageTag CriticalThreshold HighThreshold MediumThreshold LowThreshold").v2_only().open(),
    // Partners', linked through the console only: their keys are not published, nor how many artifacts those for tests have.
    row(Test,     "GhostInspector",            (0, 5),  (0, 5),  HOUR,     "").third_party().open(),
    row(Test,     "Nouvola",                   (0, 5),  (0, 5),  HOUR,     "").third_party().open(),
    row(Test,     "Runscope",                  (0, 5),  (0, 5),  HOUR,     "").third_party().open(),
    row(Invoke,   "Snyk",                      (1, 1),  (1, 1),  HOUR,     "").third_party().open(),
];

/// Whether a V1 pipeline cannot have it. A V2-only type makes a pipeline of unsaid type V2, which must not
/// depend on a catalogue, so the table answers.
pub fn is_v2_only(id: &ActionTypeId) -> bool {
    TABLE.iter().any(|row| row.v2_only && row.is(id))
}

/// One line of the table; `owner` is AWS and `version` is 1 unless said otherwise.
pub(super) struct Row {
    category: ActionCategory,
    owner: ActionOwner,
    provider: &'static str,
    inputs: (usize, usize),
    outputs: (usize, usize),
    minutes: u32,
    keys: &'static str,
    open: bool,
    runs_commands: bool,
    v2_only: bool,
}

const fn row(
    category: ActionCategory,
    provider: &'static str,
    inputs: (usize, usize),
    outputs: (usize, usize),
    minutes: u32,
    keys: &'static str,
) -> Row {
    let owner = ActionOwner::Aws;
    Row {
        category,
        owner,
        provider,
        inputs,
        outputs,
        minutes,
        keys,
        open: false,
        runs_commands: false,
        v2_only: false,
    }
}

impl Row {
    const fn third_party(self) -> Self {
        Self { owner: ActionOwner::ThirdParty, ..self }
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    const fn runs_commands(self) -> Self {
        Self { runs_commands: true, ..self }
    }

    const fn v2_only(self) -> Self {
        Self { v2_only: true, ..self }
    }

    fn is(&self, id: &ActionTypeId) -> bool {
        (self.category, self.owner, self.provider, "1")
            == (id.category, id.owner, id.provider.as_str(), id.version.as_str())
    }

    pub(super) fn action_type(&self) -> ActionType {
        let bounds = |(minimum, maximum)| ArtifactBounds { minimum, maximum };
        ActionType {
            id: ActionTypeId {
                category: self.category,
                owner: self.owner,
                provider: self.provider.to_owned(),
                version: "1".to_owned(),
            },
            settings: pages::of(self.category, self.provider),
            properties: self.keys.split_whitespace().map(property).collect(),
            accepts_unlisted_properties: self.open,
            inputs: bounds(self.inputs),
            outputs: bounds(self.outputs),
            runs_commands: self.runs_commands,
            v2_only: self.v2_only,
            timeout_in_minutes: self.minutes,
        }
    }
}

/// That a required key is part of the job's identity unless secret is inferred from `ListActionTypes`.
fn property(key: &str) -> ConfigurationProperty {
    let (required, secret) = (key.contains('*'), key.contains('!'));
    ConfigurationProperty {
        name: key.trim_end_matches(['*', '!']).to_owned(),
        required,
        key: required && !secret,
        secret,
        ..ConfigurationProperty::default()
    }
}
