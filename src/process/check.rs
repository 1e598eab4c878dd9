//! The command `check`: can the operator work here? It checks the API server and the operator's rights there, then each
//! action in AWS with each identity in each of its regions. It only reads and changes nothing.

mod row;

use crate::aws::{ASSUME_ROLE, Aws, Extras, Permission, Probe};
use crate::describe_image::{Region, Scope, SourceError, SourceErrorKind};
use crate::kubernetes::client::{self, Client};
use crate::kubernetes::identities::grants::{Grant, Identities};
use crate::kubernetes::leadership::releases;
use crate::kubernetes::rights::{self, Needs, Right};
use crate::process::api;
use crate::process::args::api::ApiArgs;
use crate::process::args::check::{CheckArgs, CheckOutput};
use crate::process::args::describe::Output;
use crate::process::args::mirror::ConfigurationUrl;
use crate::process::args::region;
use crate::process::configuration;
use crate::process::stderr::{CountCalls, with_progress};
use crate::process::stdout;
use crate::proxy::ProxyRefused;
use jiff::Timestamp;
use row::{CheckResult, Row};
use std::process::ExitCode;
use std::sync::Arc;

/// Exit code 0 when no check failed, 1 otherwise.
pub async fn run(args: CheckArgs) -> ExitCode {
    let mut rows = Vec::new();
    let identities = match args.mirror.configuration.0.as_deref().map(configuration::read) {
        None => Identities::new([]),
        Some(Ok(identities)) => identities,
        Some(Err(error)) => {
            let fix = "correct the file (chart value identities); only the default identity is checked here";
            rows.push(Row::failed("configuration", error, fix));
            Identities::new([])
        }
    };
    if let Err(error) = args.leadership.settings(String::new(), &args.mirror.namespaces(), None) {
        rows.push(Row::failed("leadership", error, "correct the times: run does not start with these"));
    }
    rows.extend(of_interface(&args.api));
    rows.extend(of_api_server(&args, &identities).await);
    let calls = Arc::new(CountCalls::default());
    let mut of_aws = with_progress("what AWS allows", &calls, of_aws(&args, &identities, calls.clone())).await;
    row::say_each_fix_once(&mut of_aws);
    rows.extend(of_aws);
    let has_failed = rows.iter().any(|row| row.result == CheckResult::Failed);
    let code = if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    match args.output {
        CheckOutput::Table => stdout::put(Ok(row::table(&rows, stdout::has_colors())), code),
        CheckOutput::Yaml => stdout::print(&rows, Output::Yaml, code),
        CheckOutput::Json => stdout::print(&rows, Output::Json, code),
    }
}

/// The certificate of the HTTP interface, if that is on.
fn of_interface(args: &ApiArgs) -> Option<Row> {
    let settings = match args.settings() {
        Ok(settings) => settings?,
        Err(error) => return Some(Row::failed("HTTP interface", error, "set the flag: run does not start without it")),
    };
    let fix = "put tls.crt and its tls.key there (chart value api.certificateSecret names their Secret)";
    let (folder, usable) = (settings.certificate.display(), api::is_certificate_usable(&settings));
    let told =
        usable.as_ref().map_or_else(|error| format!("{folder}: {error}"), |()| "the certificate can be used".into());
    Some(Row::judged("HTTP interface", usable.is_ok(), told, fix))
}

async fn of_api_server(args: &CheckArgs, identities: &Identities) -> Vec<Row> {
    let unreached = |error: String| {
        let fix =
            "run in a pod with a ServiceAccount or set KUBECONFIG; with a proxy, NO_PROXY must contain the API server";
        vec![Row::failed("API server", error, fix)]
    };
    let client = match client::connect(&args.cluster.settings()).await {
        Ok(client) => client,
        Err(error) => match error.downcast_ref::<ProxyRefused>() {
            Some(ProxyRefused { message, fix, .. }) => return vec![Row::failed("API server", message, fix)],
            None => return unreached(error.to_string()),
        },
    };
    let server = match rights::server(&client).await {
        Ok(server) => server,
        Err(error) => return unreached(error.to_string()),
    };
    let mut rows = vec![
        Row::judged("API server", server.is_recent, server.version, "CustomImages need Kubernetes 1.32 or newer"),
        Row::judged(
            "CRD customimages.parallelcluster.dev",
            server.serves_customimages,
            if server.serves_customimages { "v1 is served" } else { "v1 is not served" },
            "install it: chart value crds.install, or customimage-operator crd | kubectl apply --server-side -f -",
        ),
    ];
    let needs = Needs {
        namespaces: args.mirror.namespaces(),
        lease: args.leadership.leader_election.then(|| args.leadership.lease_name(&args.mirror.namespaces())),
        own_namespace: client.default_namespace().to_owned(),
        namespace_labels: identities.select_by_label(),
        callers: args.api.api_listen.0.is_some(),
    };
    for right in rights::needed(&needs) {
        rows.push(of_right(&client, &right).await);
    }
    rows.extend(of_other_releases(&client, &needs, args.leadership.lease_name.0.is_some()).await);
    rows
}

async fn of_right(client: &Client, right: &Right) -> Row {
    match rights::is_allowed(client, right).await {
        Ok(allowed) => {
            let said = if allowed { "allowed" } else { "not allowed" };
            Row::judged(right, allowed, said, "grant it to the operator's ServiceAccount: chart value rbac.create")
        }
        Err(error) => Row::failed(right, error, "the API server did not answer the SelfSubjectAccessReview: try again"),
    }
}

/// Whether other releases watch the same namespaces. A process whose Lease has no name of its own is no release, so the
/// releases that it finds may be a single one. `None` for the operator itself: only administrators may list the Leases
/// of all namespaces.
async fn of_other_releases(client: &Client, needs: &Needs, is_release: bool) -> Option<Row> {
    let name = "other releases";
    let own = (needs.own_namespace.as_str(), needs.lease.as_deref().unwrap_or_default());
    Some(match releases::beside(client, own, &needs.namespaces, Timestamp::now()).await {
        Ok(Some(others)) if others.is_empty() => {
            Row::judged(name, true, "no other release watches these namespaces", "")
        }
        Ok(Some(others)) if !is_release => Row::unknown(
            name,
            format!(
                "of these Leases, each is of a release that watches these namespaces: {}. In the pods of one, this check tells whether it is alone",
                others.join(", ")
            ),
        ),
        Ok(Some(others)) => Row::failed(
            name,
            format!("others watch these namespaces, too; their Leases are {}", others.join(", ")),
            "let only one release watch a namespace: remove one, or set watchNamespaces in each",
        ),
        Ok(None) => return None,
        Err(error) => Row::unknown(name, format!("not checked: {error}")),
    })
}

async fn of_aws(args: &CheckArgs, identities: &Identities, calls: Arc<CountCalls>) -> Vec<Row> {
    let default_region = match region::default_region(args.mirror.region.0.clone()).await {
        Ok(region) => region,
        Err(error) => {
            return vec![Row::failed("AWS region", error, "set a region with --region (chart value aws.region)")];
        }
    };
    let aws = Aws::connect(&args.aws.settings(), default_region.as_ref(), calls).await;
    let presigned = args.mirror.configuration_url == ConfigurationUrl::Presigned;
    let extras = Extras { presigned, build_logs: args.mirror.build_logs };
    let mut rows = Vec::new();
    for grant in identities.grants() {
        if grant.namespaces.is_nobody() {
            rows.push(Row::unknown(
                format!("identity {}", grant.identity.name),
                "not checked: no namespace may use this identity",
            ));
            continue;
        }
        let regions = regions_of(grant, default_region.as_ref());
        if regions.is_empty() {
            let said = "not checked: neither the identity nor the operator has a region";
            rows.push(Row::unknown(format!("identity {}", grant.identity.name), said));
        }
        let scopes: Vec<_> =
            regions.into_iter().map(|region| Scope { identity: grant.identity.clone(), region }).collect();
        let checked = futures::future::join_all(scopes.iter().map(|scope| of_scope(&aws, scope, extras))).await;
        rows.extend(checked.into_iter().flatten());
    }
    rows
}

fn regions_of(grant: &Grant, default_region: Option<&Region>) -> Vec<Region> {
    match &grant.regions {
        Some(regions) => regions.iter().cloned().collect(),
        None => default_region.cloned().into_iter().collect(),
    }
}

async fn of_scope(aws: &Aws, scope: &Scope, extras: Extras) -> Vec<Row> {
    let named = |what: &str| format!("{} {} {what}", scope.identity.name, scope.region);
    let (credentials, caller) = match aws.caller(scope).await {
        Ok(caller) => (Row::judged(named("credentials"), true, &caller.arn, ""), Some(caller)),
        // The operator itself needs STS only to assume roles, so a failed GetCallerIdentity is not a failure.
        Err(error) if error.kind == SourceErrorKind::ServiceError && error.action != Some(ASSUME_ROLE) => {
            (Row::unknown(named("credentials"), error.message), None)
        }
        Err(error) => {
            return vec![Row::failed(named("credentials"), &error.message, fix(&error, scope, "these credentials"))];
        }
    };
    let arn = caller.as_ref().map_or("these credentials", |caller| &caller.arn).to_owned();
    let probes =
        aws.probe(scope, caller.as_ref(), extras).await.into_iter().map(
            |Probe { action, permission }| match permission {
                Permission::Allowed => Row::judged(named(action), true, "allowed", ""),
                Permission::Unknown(why) => Row::unknown(named(action), why),
                Permission::Failed(error) => Row::failed(named(action), &error.message, fix(&error, scope, &arn)),
            },
        );
    std::iter::once(credentials).chain(probes).collect()
}

fn fix(error: &SourceError, scope: &Scope, caller: &str) -> String {
    if let Some(fix) = &error.fix {
        return fix.clone();
    }
    match (error.kind, &scope.identity.role) {
        (SourceErrorKind::AccessDenied, Some(role)) if error.action == Some(ASSUME_ROLE) => format!(
            "allow sts:AssumeRole (with EKS Pod Identity also sts:TagSession: chart value aws.podIdentity) on {} in the operator's own policy and in that role's trust policy; the trust policy must name the operator's role and the externalId of the configuration",
            role.arn()
        ),
        (SourceErrorKind::AccessDenied, _) => {
            format!("allow {} in the policy of {caller}: the chart prints the whole policy (value iamPolicy)", error.action())
        }
        (SourceErrorKind::InvalidCredentials, _) => {
            "use credentials that AWS takes; if other regions work, enable this one in the account".to_owned()
        }
        (SourceErrorKind::UnknownRegion, _) => "use a region that exists in AWS, such as eu-west-1".to_owned(),
        (SourceErrorKind::Throttled, _) => "try again in a minute; if it happens again, raise the account's limits".to_owned(),
        (
            SourceErrorKind::ServiceError | SourceErrorKind::InvalidRequest | SourceErrorKind::IdentityNotAllowed,
            _,
        ) => "check that the endpoint can be reached: proxy (HTTPS_PROXY, NO_PROXY), CA bundle, NetworkPolicy, an enabled region".to_owned(),
    }
}
